#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "kernels/spectral.hpp"

namespace taut::kernels {

// (batch): an upper bound on sigma in real arithmetic by products alone: the Schatten norm of
// order 2^(iterations + 2) by Gram iteration, at most rank^(1 / 2^(iterations + 2)) sigma. Rounding
// is not accounted for: for losses and logs, never for a certificate. Differentiable once; the
// gradient is computed with the value, where one is wanted. Zero matrices give 0 and a zero
// gradient. (..., m, n), float or double. [Delattre et al. 2023]
at::Tensor gram_bound(const at::Tensor& matrices, int iterations);

// A proved lower bound on sigma of each matrix, ||W v|| / ||v|| rounded down, for the vectors of
// `top`, right or wrong. NaN or infinity in the matrix throws Error.
std::vector<double> sigma_witness(const at::Tensor& matrices, const TopPair& top);

}  // namespace taut::kernels
