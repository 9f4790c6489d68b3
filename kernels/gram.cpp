#include "kernels/gram.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

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

int64_t chunks_of(const ScaledMatrix& a) { return (a.long_side() + kGramChunk - 1) / kGramChunk; }

void chunk_product(const ScaledMatrix& a, int64_t chunk, double* out) {
  const bool tall = a.rows > a.cols;
  const int64_t first = chunk * kGramChunk, length = std::min(kGramChunk, a.long_side() - first);
  const double* entries = a.entries.data() + first * (tall ? a.cols : 1);
  gram_product(entries, tall, a.short_side(), length, a.cols, out);
}

// One rounded addition an entry: the proof counts them.
void add_lower(const std::vector<double>& from, Gram& g) {
  for (int64_t i = 0; i < g.size; ++i) {
    for (int64_t j = 0; j <= i; ++j) g.lower[i * g.size + j] += from[i * g.size + j];
  }
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

int64_t gram_terms(const ScaledMatrix& a) {
  return std::min(a.long_side(), kGramChunk) + chunks_of(a) - 1;
}

Gram gram(const ScaledMatrix& a, ProofStorage& storage) {
  Gram g{a.short_side(), std::move(storage.gram)};
  g.lower.resize(g.size * g.size);
  chunk_product(a, 0, g.lower.data());
  if (chunks_of(a) > 1) storage.chunk.resize(g.lower.size());
  for (int64_t chunk = 1; chunk < chunks_of(a); ++chunk) {
    chunk_product(a, chunk, storage.chunk.data());
    add_lower(storage.chunk, g);
  }
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
