#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace taut::kernels {

// One kernel of kernels/cuda against its reference in double, at the entry that comes closest to
// what it may differ by.
struct KernelCheck {
  std::string kernel;
  double difference = 0;  // |kernel - reference|, or the amount by which a bound is exceeded
  double allowed = 0;     // from unit roundoffs and lengths
  bool holds() const { return difference <= allowed; }  // not for NaN
};

// Runs every CUDA kernel and its reference on the user's own weights (matrices (..., m, n) of any
// floating dtype, taken to float; larger ones by their leading part, since references are plain
// loops) and returns the worst case of each kernel. Throws Error, in one line, where this build has
// no CUDA kernels, where there is no GPU, and when the GPU refuses a launch.
std::vector<KernelCheck> check_kernels(const std::vector<at::Tensor>& weights);

}  // namespace taut::kernels
