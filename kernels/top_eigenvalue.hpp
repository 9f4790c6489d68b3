#pragma once

#include "kernels/gram.hpp"

namespace taut::kernels {

// Largest eigenvalue of G and its vector of length about 1: estimates, good to about 1e-11 of the
// value. They steer a proof and prove nothing.
struct EigenEstimate {
  double value = 0;
  std::vector<double> vector;
};
// Works in `factor` and `chunk` of `storage`.
EigenEstimate estimate_top(const Gram& g, ProofStorage& storage);
// By all eigenvalues: slower, and never between two of them.
EigenEstimate estimate_directly(const Gram& g, ProofStorage& storage);
inline EigenEstimate estimate_top(const Gram& g) {
  ProofStorage own;
  return estimate_top(g, own);
}

}  // namespace taut::kernels
