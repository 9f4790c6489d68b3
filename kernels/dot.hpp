#pragma once

#include <cstdint>

namespace taut::kernels {

// A conventional inner product in eight interleaved partial sums: the rounding bounds hold for any
// order, and a loop of constant length becomes vector instructions without -ffast-math.
inline double dot(const double* a, const double* b, int64_t size) {
  constexpr int64_t lanes = 8;
  double sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (int64_t k = 0; k < lanes; ++k) sums[k] += a[i + k] * b[i + k];
  }
  double total = 0;
  for (; i < size; ++i) total += a[i] * b[i];
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace taut::kernels
