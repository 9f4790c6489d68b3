#include "kernels/cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/blas.hpp"
#include "kernels/build.hpp"
#include "kernels/dot.hpp"
#include "kernels/rounding.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

constexpr int64_t kPanel = 32;  // columns: what is not one large product stays small

// The factor of B = fl(rho I - G), lower triangle, from the values of B themselves. Every entry is
// b_ij less an inner product, taken in one chunk per panel: one of the orders of summation that the
// error bound allows [Higham, Accuracy and Stability, lemma 8.4]. False at the first pivot that is
// not positive and finite.
bool factor_in_place(std::vector<double>& b, int64_t n) {
  std::vector<double> pivot(n);
  for (int64_t from = 0; from < n; from += kPanel) {
    const int64_t to = std::min(n, from + kPanel);
    double* first = b.data() + from * n;
    if (from > 0) subtract_product(first + from, first, first, n - from, to - from, from, n);
    for (int64_t i = from; i < n; ++i) {
      double* row = b.data() + i * n;
      for (int64_t j = from; j < std::min(i, to); ++j) {
        row[j] = (row[j] - dot(row + from, b.data() + j * n + from, j - from)) / pivot[j];
      }
      if (i >= to) continue;
      const double p = row[i] - dot(row + from, row + from, i - from);
      if (!(p > 0 && std::isfinite(p))) return false;
      row[i] = pivot[i] = std::sqrt(p);
    }
  }
  return true;
}

// For a fixed vector of signs x, with t = |L| |L|^T 1: |L L^T - B| <= gamma_{n+1} |L| |L|^T, the
// products L^T x, L y and B x are each off by gamma_n of magnitudes below t(1 + gamma_{n+1}), so
// that fl(L fl(L^T x)) and fl(B x) differ by gamma_{4n+4} t; the factor 2 is for rounding in t.
void check_factor(const std::vector<double>& factor, const Gram& g, double rho) {
  const int64_t n = g.size;
  std::vector<double> x(n), y(n), magnitude(n), expected(n);
  for (int64_t i = 0; i < n; ++i) x[i] = mix(0x63686f6c, {uint64_t(i)}) % 2 == 0 ? 1.0 : -1.0;
  for (int64_t i = 0; i < n; ++i) {
    const double *row = factor.data() + i * n, *gram = g.lower.data() + i * n;
    for (int64_t j = 0; j <= i; ++j) {
      y[j] += row[j] * x[i];
      magnitude[j] += std::fabs(row[j]);
    }
    for (int64_t j = 0; j < i; ++j) {
      expected[i] -= gram[j] * x[j];
      expected[j] -= gram[j] * x[i];
    }
    expected[i] += (rho - gram[i]) * x[i];
  }
  const double share = 2 * gamma_up(4 * n + 4);
  for (int64_t i = 0; i < n; ++i) {
    const double* row = factor.data() + i * n;
    double got = 0, most = 0;
    for (int64_t j = 0; j <= i; ++j) {
      got += row[j] * y[j];
      most += std::fabs(row[j]) * magnitude[j];
    }
    const double difference = std::fabs(got - expected[i]);
    require(difference <= up(share * most) + 1e-300,  // false for NaN
            "{} computes a wrong Cholesky factor of size {}: row {} is off by {}", blas_name(), n,
            i, difference);
  }
}

}  // namespace

CholeskyTest cholesky_test(const Gram& g, double rho, std::vector<double>& factor) {
  const int64_t n = g.size;
  CholeskyTest test;
  factor.resize(g.lower.size());  // above the diagonal nothing is ever read
  for (int64_t i = 0; i < n; ++i) {
    double* row = factor.data() + i * n;
    for (int64_t j = 0; j < i; ++j) row[j] = -g.lower[i * n + j];
    row[i] = rho - g.lower[i * n + i];
    if (!(row[i] > 0)) return test;  // before any work: no factor of this row could be real
    test.trace = up(test.trace + row[i]);
  }
  if (!factor_in_place(factor, n)) return test;
  check_factor(factor, g, rho);
  test.completed = true;
  return test;
}

}  // namespace taut::kernels
