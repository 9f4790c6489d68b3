#pragma once

#include <cstdint>

// The two products behind a proof, by an OpenBLAS that nothing else in the process sees. Row by
// row; conventional inner products. Serialised: a single-threaded OpenBLAS promises nothing to two
// callers at once.
namespace taut::kernels {

// c (n, n), lower triangle, of inner products of length k: A^T A with A (k, n) when `tall`, else
// A A^T with A (n, k); rows of A `stride` apart.
void gram_product(const double* a, bool tall, int64_t n, int64_t k, int64_t stride, double* c);

// c (m, n) -= a b^T with a (m, k), b (n, k); all with rows `stride` apart.
void subtract_product(double* c, const double* a, const double* b, int64_t m, int64_t n, int64_t k,
                      int64_t stride);

}  // namespace taut::kernels
