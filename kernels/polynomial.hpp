#pragma once

#include <ATen/core/Tensor.h>

namespace taut::kernels {

// Y = a X + b Z, entry by entry; the fused tail of every Newton-Schulz step. Same shape, float or
// double. CUDA tensors run kernels/cuda where Torch has CUDA.
at::Tensor polynomial_update(double a, const at::Tensor& x, double b, const at::Tensor& z);

}  // namespace taut::kernels
