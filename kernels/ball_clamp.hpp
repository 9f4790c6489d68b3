#pragma once

#include <ATen/core/Tensor.h>

namespace taut::kernels {

// x / max(1, RMS(x) / radius) for every token x (..., width), differentiable. CUDA tensors in float
// run kernels/cuda, forward and backward one pass each; there a second derivative throws.
at::Tensor ball_clamp(const at::Tensor& x, double radius);

}  // namespace taut::kernels
