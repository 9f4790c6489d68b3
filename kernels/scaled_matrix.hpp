#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace taut::kernels {

// A stored matrix in double, times an exact power of two so that its largest magnitude lies in
// [1/2, 1): squares neither overflow nor vanish. Below, A is this matrix with its long side down:
// (long_side, short_side).
struct ScaledMatrix {
  int64_t rows = 0, cols = 0;   // as stored
  std::vector<double> entries;  // row by row; empty for the zero matrix
  int exponent = 0;             // stored matrix = 2^exponent * entries
  double frobenius_sq = 0;      // upper bound on the sum of the squared entries

  int64_t long_side() const { return rows > cols ? rows : cols; }
  int64_t short_side() const { return rows > cols ? cols : rows; }
  bool zero() const { return entries.empty(); }
};

// Of one (m, n) matrix in any floating dtype; the entries take over `storage`. Throws Error on NaN,
// on infinity, and when the thread does not compute in IEEE double (another rounding mode,
// subnormals flushed to zero).
ScaledMatrix scale_to_unit(const at::Tensor& matrix, std::vector<double> storage = {});

// A vector and the same sum over magnitudes, which bounds the rounding error of the first:
// |value - exact| <= gamma_terms * magnitude.
struct Product {
  std::vector<double> value, magnitude;
};
Product times(const ScaledMatrix& a, const Product& x);             // A x
Product transposed_times(const ScaledMatrix& a, const Product& y);  // A^T y

}  // namespace taut::kernels
