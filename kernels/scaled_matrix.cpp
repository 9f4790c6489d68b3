#include "kernels/scaled_matrix.hpp"

#include <ATen/ATen.h>

#include <cfenv>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/dot.hpp"
#include "kernels/rounding.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

// Whatever linked -ffast-math into the process, or called set_flush_denormal, makes subnormal
// weights read as zero; a matrix of them would then get the bound 0.
void require_ieee() {
  volatile double smallest = std::numeric_limits<double>::denorm_min();
  volatile double half = std::numeric_limits<double>::min() / 2;
  require(
      std::fegetround() == FE_TONEAREST && smallest > 0 && half * 1.0 > 0,
      "certified norms need round-to-nearest arithmetic with subnormal numbers; this thread has "
      "another rounding mode or flushes them to zero");
}

// Largest magnitude; Error on NaN and infinity.
double largest(const double* x, int64_t size, const at::Tensor& matrix) {
  constexpr double limit = std::numeric_limits<double>::max();
  double most = 0;
  bool finite = true;
  for (int64_t i = 0; i < size; ++i) {
    const double magnitude = std::fabs(x[i]);
    finite = finite && magnitude <= limit;  // false for NaN
    most = magnitude > most ? magnitude : most;
  }
  require(finite, "expected a finite matrix to bound, got NaN or infinity in one of {} ({})",
          shape_text(matrix.sizes()), toString(matrix.scalar_type()));
  return most;
}

// value = S x, row by row.
void rows_times(const ScaledMatrix& s, const Product& x, Product& out) {
  for (int64_t i = 0; i < s.rows; ++i) {
    const double* row = s.entries.data() + i * s.cols;
    double value = 0, magnitude = 0;
    for (int64_t j = 0; j < s.cols; ++j) {
      value += row[j] * x.value[j];
      magnitude += std::fabs(row[j]) * x.magnitude[j];
    }
    out.value[i] = value;
    out.magnitude[i] = magnitude;
  }
}

// value = S^T y, one row after the other.
void columns_times(const ScaledMatrix& s, const Product& y, Product& out) {
  for (int64_t i = 0; i < s.rows; ++i) {
    const double* row = s.entries.data() + i * s.cols;
    const double value = y.value[i], magnitude = y.magnitude[i];
    for (int64_t j = 0; j < s.cols; ++j) {
      out.value[j] += row[j] * value;
      out.magnitude[j] += std::fabs(row[j]) * magnitude;
    }
  }
}

Product multiply(const ScaledMatrix& s, const Product& x, bool by_rows, int64_t size) {
  Product out{std::vector<double>(size), std::vector<double>(size)};
  by_rows ? rows_times(s, x, out) : columns_times(s, x, out);
  return out;
}

}  // namespace

ScaledMatrix scale_to_unit(const at::Tensor& matrix, std::vector<double> storage) {
  require_ieee();
  const int64_t size = matrix.numel();
  storage.resize(size);
  at::from_blob(storage.data(), matrix.sizes(), at::TensorOptions(at::kDouble))
      .copy_(matrix.detach());  // exact
  ScaledMatrix out{matrix.size(0), matrix.size(1), std::move(storage), 0, 0};
  double* x = out.entries.data();
  const double most = largest(x, size, matrix);
  if (most == 0) {
    out.entries.clear();
    return out;
  }
  std::frexp(most, &out.exponent);
  // 2^-exponent itself overflows for subnormal matrices. Growing is exact in two steps; shrinking
  // may push entries under 2^-1022, where they move by 2^-1074 at most.
  const double first = std::ldexp(1.0, -out.exponent / 2);
  const double second = std::ldexp(1.0, -out.exponent - -out.exponent / 2);
  for (int64_t i = 0; i < size; ++i) x[i] = x[i] * first * second;
  // fl(sum) >= (1 - u)^size sum and (1 - u)^-size <= 1 + gamma_size; one more for underflow.
  const double sum = dot(x, x, size);
  out.frobenius_sq = up(sum * up(1 + gamma_up(size + 1)));
  return out;
}

Product times(const ScaledMatrix& a, const Product& x) {
  return multiply(a, x, a.rows > a.cols, a.long_side());
}

Product transposed_times(const ScaledMatrix& a, const Product& y) {
  return multiply(a, y, a.rows <= a.cols, a.short_side());
}

}  // namespace taut::kernels
