#pragma once

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/cuda/compare/compare.hpp"

// Arrays between host and device, and what may differ.
namespace taut::kernels::cuda {

constexpr double kRound = 0x1p-24;   // unit roundoff of float
constexpr double kLeast = 0x1p-149;  // the smallest float
constexpr double kDouble = 0x1p-53;

// n roundings in a row.
inline double gamma_of(int64_t n, double unit = kRound) {
  const double nu = static_cast<double>(n) * unit;
  return nu / (1 - nu);
}

inline size_t sized(int64_t n) { return static_cast<size_t>(n); }

template <class T>
T* put(const Device& device, const std::vector<T>& host) {
  return static_cast<T*>(device.upload(host.data(), host.size() * sizeof(T), sizeof(T)));
}

template <class T>
T* space(const Device& device, int64_t size) {
  return static_cast<T*>(device.upload(nullptr, sized(size) * sizeof(T), sizeof(T)));
}

template <class T>
std::vector<double> take(const Device& device, const T* from, int64_t size) {
  std::vector<T> host(sized(size));
  device.download(host.data(), from, host.size() * sizeof(T));
  return {host.begin(), host.end()};
}

template <class T>
std::vector<double> widened(const std::vector<T>& x) {
  return {x.begin(), x.end()};
}

inline std::vector<double> magnitudes(std::vector<double> x) {
  for (double& v : x) v = std::fabs(v);
  return x;
}

inline void launched(const char* kernel, const char* error) {
  if (error != nullptr) throw std::runtime_error(std::string(kernel) + ": " + error);
}

// The worst entry: by NaN, then by excess over what is allowed, then by share of it.
Comparison judge(const std::string& kernel, const std::vector<double>& got,
                 const std::vector<double>& expected, const std::vector<double>& allowed);

// How far any value lies above its limit.
Comparison judge_limit(const std::string& kernel, const std::vector<double>& value,
                       const std::vector<double>& limit);

}  // namespace taut::kernels::cuda
