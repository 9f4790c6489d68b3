#pragma once

#include <ATen/core/Tensor.h>

namespace taut::kernels {

// Unit roundoff of a stored dtype: rounding to it moves a normal number by this share at most.
// Throws Error unless the dtype is double, float, half, bfloat16 or an 8-bit float.
double unit_roundoff(at::ScalarType dtype);

// (..., m, n) as (batch, m, n), detached. Throws Error with fewer than two dimensions or a dtype
// that is not one of the above.
at::Tensor as_batch(const at::Tensor& matrices);

}  // namespace taut::kernels
