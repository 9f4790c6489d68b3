#pragma once

#include "kernels/gram.hpp"

namespace taut::kernels {

struct CholeskyTest {
  bool completed = false;  // every pivot of rho I - G was positive and finite
  double trace = 0;        // upper bound on the trace of fl(rho I - G)
};

// Factors fl(rho I - G) as textbook Cholesky does, in conventional inner products, panel by panel.
// A completed factor is multiplied out against a fixed vector: an Error that names the BLAS when
// rounding cannot explain the difference.
// Works in `factor`.
CholeskyTest cholesky_test(const Gram& g, double rho, std::vector<double>& factor);
inline CholeskyTest cholesky_test(const Gram& g, double rho) {
  std::vector<double> own;
  return cholesky_test(g, rho, own);
}

}  // namespace taut::kernels
