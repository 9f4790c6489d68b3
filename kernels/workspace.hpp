#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace taut::kernels {

// Storage of the proof behind one certified norm, in double.
struct ProofStorage {
  std::vector<double> entries, gram, chunk, factor;
};

// Storage that outlives a call, so that a step repeated on the same shapes allocates nothing but
// numbers and vectors per matrix. A function that takes one leaves its result in it: valid until
// the next call of that function with the same workspace. For one thread at a time.
class Workspace {
 public:
  // Uninitialised, contiguous; grows when what the slot holds is too small.
  at::Tensor take(size_t slot, c10::IntArrayRef shape, const at::TensorOptions& options);

  ProofStorage proof;

 private:
  std::vector<at::Tensor> slots_;
};

// The first slot of each family: one may call another and keep what it holds itself.
inline constexpr size_t kPolarSlots = 0, kSignSlots = 8, kSoftCapSlots = 16, kHardCapSlots = 24,
                        kSpectralSlots = 32, kCertifiedSlots = 40, kCallerSlots = 48;

}  // namespace taut::kernels
