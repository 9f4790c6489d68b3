#include "kernels/cholesky.hpp"

#include <cmath>

#include "kernels/dot.hpp"
#include "kernels/rounding.hpp"

namespace taut::kernels {

CholeskyTest cholesky_test(const Gram& g, double rho) {
  const int64_t n = g.size;
  CholeskyTest test;
  std::vector<double> factor(g.lower.size()), pivot(n);
  for (int64_t i = 0; i < n; ++i) {
    const double diagonal = rho - g.lower[i * n + i];
    if (!(diagonal > 0)) return test;  // before any work: no factor of this row could be real
    test.trace = up(test.trace + diagonal);
  }
  for (int64_t i = 0; i < n; ++i) {
    double* row = factor.data() + i * n;
    for (int64_t j = 0; j < i; ++j) {
      row[j] = (-g.lower[i * n + j] - dot(row, factor.data() + j * n, j)) / pivot[j];
    }
    const double p = rho - g.lower[i * n + i] - dot(row, row, i);
    if (!(p > 0 && std::isfinite(p))) return test;
    pivot[i] = std::sqrt(p);
  }
  test.completed = true;
  return test;
}

}  // namespace taut::kernels
