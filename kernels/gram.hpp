#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/scaled_matrix.hpp"
#include "kernels/workspace.hpp"

namespace taut::kernels {

// fl(A^T A) on the short side: only entries with column <= row are set.
struct Gram {
  int64_t size = 0;
  std::vector<double> lower;  // (size, size), row by row
};

// Rows of the long side in one product; the products are added up in order.
inline constexpr int64_t kGramChunk = 1024;

// N such that |G - A^T A| <= gamma_N |A|^T |A| (sigma_proof.cpp).
int64_t gram_terms(const ScaledMatrix& a);

// By cblas_dsyrk, then checked by check_gram. Works in `storage`, whose `gram` becomes the result.
Gram gram(const ScaledMatrix& a, ProofStorage& storage);
inline Gram gram(const ScaledMatrix& a) {
  ProofStorage own;
  return gram(a, own);
}

// Compares G x with A^T (A x) for a fixed vector of signs, entry by entry, within what rounding can
// explain in conventional inner products. Throws an Error that names the BLAS: one that computes in
// less than double, or that is broken on this machine, must not prove anything.
void check_gram(const Gram& g, const ScaledMatrix& a);

}  // namespace taut::kernels
