#pragma once

#include <cstdint>

// The two products behind a proof, by an OpenBLAS that nothing else in the process sees. Row by
// row; conventional inner products. Serialised: a single-threaded OpenBLAS promises nothing to two
// callers at once.
namespace taut::kernels {

// c (n, n), lower triangle, = A^T A of the short side n: A is (rows, cols) as stored.
void short_side_gram(const double* a, int64_t rows, int64_t cols, double* c);

// c (m, n) -= a b^T with a (m, k), b (n, k); all with rows `stride` apart.
void subtract_product(double* c, const double* a, const double* b, int64_t m, int64_t n, int64_t k,
                      int64_t stride);

}  // namespace taut::kernels
