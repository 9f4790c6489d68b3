#pragma once

#include <ATen/core/Tensor.h>

// Products of Newton-Schulz steps, (batch, n, m), float or double. Conventional inner products in
// the tensors' own precision: bounds on norms rest on it, so neither TF32 nor half precision. CUDA
// tensors in float run kernels/cuda.
namespace taut::kernels {

// out = beta C + alpha L R where the result is known to be symmetric: X X^T, or a product of
// symmetric matrices that commute. (batch, n, k) and (batch, k, n) to (batch, n, n); tiles on and
// above the diagonal are computed, the others mirrored, so that large products cost little more
// than half. C undefined counts as zero; out, contiguous, may be C, but neither L nor R. `each`
// (batch) in double: a factor on alpha for each matrix, without C. Error on shapes that do not
// multiply.
void symmetric_product(const at::Tensor& out, double beta, const at::Tensor& c, double alpha,
                       const at::Tensor& l, const at::Tensor& r, const at::Tensor& each = {});

// out = a X + Z X for symmetric Z (batch, n, n); out, contiguous, may not be X or Z.
void symmetric_times(const at::Tensor& out, double a, const at::Tensor& x, const at::Tensor& z);

}  // namespace taut::kernels
