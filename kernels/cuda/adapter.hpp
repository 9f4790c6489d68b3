#pragma once

#include <ATen/core/Tensor.h>

// Tensors to launchers. adapter.cpp where Torch has CUDA, adapter_absent.cpp elsewhere.
namespace taut::kernels::cuda {

at::Tensor polynomial_update(double a, const at::Tensor& x, double b, const at::Tensor& z);

}  // namespace taut::kernels::cuda
