#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "kernels/workspace.hpp"

namespace taut::kernels {

// lower <= sigma_max <= upper, proved for the stored values, rounding included.
struct Interval {
  double lower = 0, upper = 0;
};

// One interval per matrix of a (..., m, n) batch, in order; any floating dtype (converted exactly
// to double). Upper end: Gram matrix by cblas_dsyrk and a Cholesky test; lower end: ||W v|| / ||v||
// rounded down. Throws Error on NaN or infinity. [mathematics in the .cpp; Demmel 1989, Higham,
// Rump 2006]
std::vector<Interval> certified_sigma(const at::Tensor& matrices);

// The largest upper end of the batch.
double certified_sigma_max(const at::Tensor& matrices);

// Whether a projection ends in its certified division, which works on the CPU, or the caller makes
// it later: until then sigma <= limit up to rounding and to what an estimate is off by.
enum class Proof { now, later };

// Stored weights with certified sigma <= limit for every matrix of the batch: each one that is
// above is divided by (bound / limit)(1 + 2 sqrt(min(m, n)) u), rounded to its own dtype and
// certified again, until it holds; u grows with the rounds. Held means: by a proof that leaves
// certified_sigma the 4e-10 by which it may be looser. What holds is returned unchanged, bit for
// bit. Throws Error on NaN, on infinity and unless 0 < limit < infinity. With a workspace
// nothing of the size of a matrix is allocated, for short sides above 96.
at::Tensor cap_certified(const at::Tensor& matrices, double limit, Workspace* workspace = nullptr);

}  // namespace taut::kernels
