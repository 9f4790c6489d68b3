#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/orthogonalize.hpp"

// What the functions of this folder compute, by a singular value decomposition in double: slow,
// plain, and without a line in common with them. Matrices (..., m, n) of any floating dtype;
// results in double. Certified divisions are left out: they take less than a rounding.
namespace taut::kernels::reference {

// The composition of the set's steps on sigma over the Schatten-4 norm; 0 for zero matrices.
at::Tensor orthogonalize(const at::Tensor& matrices, Polar polar);
at::Tensor sign_symmetric(const at::Tensor& matrices, Polar polar);  // eigenvalues likewise

at::Tensor soft_cap(const at::Tensor& matrices, double alpha);  // sigma to p2(p1(sigma))
at::Tensor hard_cap(const at::Tensor& matrices, double limit);  // min(sigma, limit)
at::Tensor spectral_normalize(const at::Tensor& matrices, double limit);
at::Tensor spectral_hammer(const at::Tensor& matrices, double limit);        // sigma_1 = limit
at::Tensor spectral_weight_decay(const at::Tensor& matrices, double decay);  // of sigma_1
at::Tensor row_rms_cap(const at::Tensor& table, double cap);

at::Tensor top_value(const at::Tensor& matrices);  // (...)
// (...): the Schatten norm of order 2^(iterations + 2)
at::Tensor gram_bound(const at::Tensor& matrices, int iterations);

}  // namespace taut::kernels::reference
