#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

// Outward rounding without touching the rounding mode: in round-to-nearest the exact result of one
// operation lies within half an ulp of the computed one, hence between its two neighbours.
namespace taut::kernels {

inline constexpr double kUnit = 0x1p-53;  // unit roundoff u of double

inline double up(double x) { return std::nextafter(x, std::numeric_limits<double>::infinity()); }
inline double down(double x) { return std::nextafter(x, -std::numeric_limits<double>::infinity()); }

// gamma_k = k u / (1 - k u), rounded up. k u and 1 - k u are exact for k < 2^52.
inline double gamma_up(int64_t k) {
  const double ku = static_cast<double>(k) * kUnit;
  return up(ku / (1 - ku));
}

}  // namespace taut::kernels
