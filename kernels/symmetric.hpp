#pragma once

#include <ATen/core/Tensor.h>

namespace taut::kernels {

// Products of Newton-Schulz steps, (batch, n, m), float or double. CUDA tensors in float run
// kernels/cuda, which computes half of a symmetric product and blends while it stores; everything
// else runs LibTorch's products. Conventional inner products in the tensors' own precision: bounds
// on norms rest on it, so neither TF32 nor half precision.

// X X^T
at::Tensor gram_product(const at::Tensor& x);

// b R + c R^2 for symmetric R
at::Tensor quadratic(double b, const at::Tensor& r, double c);

// a X + Z X for symmetric Z (batch, n, n)
at::Tensor symmetric_times(double a, const at::Tensor& x, const at::Tensor& z);

}  // namespace taut::kernels
