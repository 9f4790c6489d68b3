#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/workspace.hpp"

namespace taut::kernels {

// Unit roundoff of a stored dtype: rounding to it moves a normal number by this share at most.
// Throws Error unless the dtype is double, float, half, bfloat16 or an 8-bit float.
double unit_roundoff(at::ScalarType dtype);

// (..., m, n) as (batch, m, n), detached. Throws Error with fewer than two dimensions or a dtype
// that is not one of the above.
at::Tensor as_batch(const at::Tensor& matrices);

// The same in the precision that products run in: float, double, and bfloat16 widened to float in
// `slot`, which is exact. Error for other dtypes.
at::Tensor working_batch(const at::Tensor& matrices, Workspace& workspace, size_t slot);

// Back to the dtype of `matrices`, rounded where that is bfloat16, and to their shape.
at::Tensor as_stored(const at::Tensor& result, const at::Tensor& matrices, Workspace& workspace,
                     size_t slot);

// (batch, 1, 1): the largest magnitude of every matrix of a batch. The first matrix with NaN or
// infinity is an Error that says which one it is and what it was wanted for; of a GPU that is not
// asked, which would wait for it, and NaN comes through.
at::Tensor largest_entry(const at::Tensor& batch, const char* purpose);
// That Error alone.
void require_finite(const at::Tensor& batch, const char* purpose);

}  // namespace taut::kernels
