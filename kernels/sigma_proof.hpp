#pragma once

#include "kernels/gram.hpp"
#include "kernels/scaled_matrix.hpp"

// The parts of the proof behind certified_sigma. Everything here is in the units of the scaled
// matrix.
namespace taut::kernels {

// What the proof knows of one nonzero matrix.
struct Evidence {
  const ScaledMatrix& a;
  Gram g;
  double diagonal_most = 0;           // largest G_ii
  double diagonal_sum = 0;            // about trace G; steers, proves nothing
  mutable ProofStorage storage = {};  // where factorisations are tried
};

// Works in `storage`; `release` gives it back with all that has grown.
Evidence gather(const ScaledMatrix& a, ProofStorage storage = {});
ProofStorage release(Evidence& evidence);

// A bound on sigma(A) if the Cholesky factorisation of rho I - G completes, else infinity. The
// theorem holds for every rho.
double upper_if_completed(const Evidence& e, double rho);

// The rho whose bound comes out just under `limit`.
double rho_for_limit(const Evidence& e, double limit);

// From an estimate of the largest eigenvalue of G, right or wrong: the bound from the first of a
// few growing rho that completes; never above the Frobenius bound.
double upper_from_estimate(const Evidence& e, double lambda);

// The bound from the first rho alone, or infinity: then the estimate was too low.
double upper_near(const Evidence& e, double lambda);

double frobenius_upper(const ScaledMatrix& a);

// A lower bound on sigma(A) from any vector of the short side, 1/2 at least.
double lower_witness(const ScaledMatrix& a, const std::vector<double>& v);

// Back to the units of the stored matrix, outward.
double stored_upper(double scaled, const ScaledMatrix& a);
double stored_lower(double scaled, const ScaledMatrix& a);

}  // namespace taut::kernels
