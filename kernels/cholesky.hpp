#pragma once

#include "kernels/gram.hpp"

namespace taut::kernels {

struct CholeskyTest {
  bool completed = false;  // every pivot of rho I - G was positive and finite
  double trace = 0;        // upper bound on the trace of fl(rho I - G)
};

// Factors fl(rho I - G) as textbook Cholesky does, by rows, in conventional inner products.
CholeskyTest cholesky_test(const Gram& g, double rho);

}  // namespace taut::kernels
