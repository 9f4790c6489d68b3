#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace taut::kernels {

// Storage that outlives a call, so that a step repeated on the same shapes allocates nothing. A
// function that takes one leaves its result in it: valid until the next call with the same
// workspace. For one thread at a time.
class Workspace {
 public:
  // Uninitialised, contiguous; grows when what the slot holds is too small.
  at::Tensor take(size_t slot, c10::IntArrayRef shape, const at::TensorOptions& options);

 private:
  std::vector<at::Tensor> slots_;
};

}  // namespace taut::kernels
