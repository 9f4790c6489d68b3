#pragma once

#include <ATen/core/Tensor.h>

namespace taut::kernels {

// out = beta C + alpha L R where the result is known to be symmetric: X X^T, or a product of
// symmetric matrices that commute. (batch, n, k) and (batch, k, n) to (batch, n, n); tiles on and
// above the diagonal are computed, the others mirrored, so that large products cost little more
// than half. C undefined counts as zero; out may be C, but neither L nor R.
void symmetric_product(const at::Tensor& out, double beta, const at::Tensor& c, double alpha,
                       const at::Tensor& l, const at::Tensor& r);

}  // namespace taut::kernels
