#include "kernels/gram.hpp"

#include <cmath>

#include "kernels/blas.hpp"
#include "kernels/build.hpp"
#include "kernels/rounding.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

Product signs(int64_t size) {
  Product x{std::vector<double>(size), std::vector<double>(size, 1.0)};
  for (int64_t i = 0; i < size; ++i) {
    x.value[i] = mix(0x6772616d, {static_cast<uint64_t>(i)}) % 2 == 0 ? 1.0 : -1.0;
  }
  return x;
}

// G x, with the lower triangle read as a symmetric matrix.
std::vector<double> symmetric_times(const Gram& g, const std::vector<double>& x) {
  std::vector<double> out(g.size);
  for (int64_t i = 0; i < g.size; ++i) {
    const double* row = g.lower.data() + i * g.size;
    double sum = 0;
    for (int64_t j = 0; j < i; ++j) {
      sum += row[j] * x[j];
      out[j] += row[j] * x[i];
    }
    out[i] += sum + row[i] * x[i];
  }
  return out;
}

}  // namespace

Gram gram(const ScaledMatrix& a) {
  Gram g{a.short_side(), std::vector<double>(a.short_side() * a.short_side())};
  short_side_gram(a.entries.data(), a.rows, a.cols, g.lower.data());
  check_gram(g, a);
  return g;
}

// With t = |A|^T |A| 1 (the magnitudes below) and m, n the long and short side: |G - A^T A| <=
// gamma_m |A|^T |A| gives |fl(G x) - A^T A x| <= gamma_{m+n} t, and two products |fl(A^T fl(A x)) -
// A^T A x| <= gamma_{m+n} t. Rounding in t itself is less than a half of it, hence 3 in place of 2;
// underflow moves each of the m n products by 2^-1074 at most.
void check_gram(const Gram& g, const ScaledMatrix& a) {
  const Product x = signs(g.size);
  const Product expected = transposed_times(a, times(a, x));
  const std::vector<double> got = symmetric_times(g, x.value);
  const double share = 3 * gamma_up(a.rows + a.cols);
  const double tiny = 4.0 * static_cast<double>(a.rows) * static_cast<double>(a.cols) * 0x1p-1074;
  for (int64_t i = 0; i < g.size; ++i) {
    const double difference = std::fabs(got[i] - expected.value[i]);
    require(difference <= up(share * expected.magnitude[i]) + tiny,  // false for NaN
            "{} computes a wrong product of a {} x {} matrix: entry {} is off by {}", blas_name(),
            a.rows, a.cols, i, difference);
  }
}

}  // namespace taut::kernels
