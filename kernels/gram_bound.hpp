#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "kernels/spectral.hpp"

namespace taut::kernels {

// (batch): an upper bound on sigma in real arithmetic by products alone: the Schatten norm of
// order 2^(iterations + 2) by Gram iteration, at most rank^(1 / 2^(iterations + 2)) sigma. Rounding
// is not accounted for: for losses and logs, never for a certificate. Zero matrices give 0.
// (..., m, n), float or double. [Delattre et al. 2023]
at::Tensor gram_bound(const at::Tensor& matrices, int iterations);

// The quadratic form that touches that norm N at the matrices: (batch, s, s), symmetric, s the
// short side, with <A W, W> = N(W)^2 and <A W, dW> = N dN (for tall W: W A). Elsewhere <A V, V> <=
// N(V)^2, since A has the norm 1 that is dual to that of V V^T. Zero matrices give 0.
at::Tensor gram_form(const at::Tensor& matrices, int iterations);

// (batch): sqrt <A W, W>, differentiable once in the matrices, for a form as above; where it is 0,
// with a zero gradient. One product on the long side, none for the gradient.
at::Tensor form_norm(const at::Tensor& matrices, const at::Tensor& form);

// A proved lower bound on sigma of each matrix, ||W v|| / ||v|| rounded down, for the vectors of
// `top`, right or wrong. NaN or infinity in the matrix throws Error.
std::vector<double> sigma_witness(const at::Tensor& matrices, const TopPair& top);

}  // namespace taut::kernels
