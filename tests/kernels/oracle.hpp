#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <random>
#include <vector>

// Matrices with known singular values, and singular values of stored matrices, in long double (u =
// 5e-20): what the double precision code is measured against shares neither method nor precision.
namespace taut::test {

using Real = long double;
using Spectrum = std::vector<Real>;

struct Dense {
  int64_t rows = 0, cols = 0;
  std::vector<Real> entries;
  Real& at(int64_t i, int64_t j) { return entries[i * cols + j]; }
};

inline Dense transposed(Dense a) {
  Dense out{a.cols, a.rows, std::vector<Real>(a.entries.size())};
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < a.cols; ++j) out.at(j, i) = a.at(i, j);
  }
  return out;
}

// A <- (I - 2 v v^T / v^T v) A with a normal v.
inline void reflect(Dense& a, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::vector<Real> v(a.rows);
  Real square = 0;
  for (Real& entry : v) entry = normal(random), square += entry * entry;
  for (int64_t j = 0; j < a.cols; ++j) {
    Real inner = 0;
    for (int64_t i = 0; i < a.rows; ++i) inner += v[i] * a.at(i, j);
    for (int64_t i = 0; i < a.rows; ++i) a.at(i, j) -= 2 * inner / square * v[i];
  }
}

// U diag(spectrum) V^T; U and V depend on the seed and the shape alone.
inline Dense with_spectrum(int64_t rows, int64_t cols, const Spectrum& spectrum, uint64_t seed) {
  Dense a{rows, cols, std::vector<Real>(rows * cols)};
  for (int64_t i = 0; i < std::min(rows, cols); ++i) a.at(i, i) = spectrum[i];
  std::mt19937_64 random(seed);
  for (int side = 0; side < 2; ++side) {
    for (int k = 0; k < 3; ++k) reflect(a, random);
    a = transposed(a);
  }
  return a;
}

inline at::Tensor stored(const Dense& a, at::ScalarType dtype = at::kDouble) {
  const at::Tensor out = at::empty({a.rows, a.cols}, at::kDouble);
  double* data = out.mutable_data_ptr<double>();
  for (size_t i = 0; i < a.entries.size(); ++i) data[i] = static_cast<double>(a.entries[i]);
  return out.to(dtype);
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

inline Dense exact(const at::Tensor& matrix) {
  const at::Tensor x = matrix.to(at::kDouble).contiguous();
  const double* data = x.const_data_ptr<double>();
  return {x.size(0), x.size(1), std::vector<Real>(data, data + x.numel())};
}

// Rotates rows p and q of `a` until they are orthogonal; false if they already are.
inline bool rotate(Dense& a, int64_t p, int64_t q) {
  Real pp = 0, qq = 0, pq = 0;
  for (int64_t k = 0; k < a.cols; ++k) {
    pp += a.at(p, k) * a.at(p, k);
    qq += a.at(q, k) * a.at(q, k);
    pq += a.at(p, k) * a.at(q, k);
  }
  if (std::fabs(pq) <= 1e-19L * std::sqrt(pp * qq)) return false;
  const Real zeta = (qq - pp) / (2 * pq);
  const Real t = std::copysign(1 / (std::fabs(zeta) + std::sqrt(1 + zeta * zeta)), zeta);
  const Real c = 1 / std::sqrt(1 + t * t), s = c * t;
  for (int64_t k = 0; k < a.cols; ++k) {
    const Real x = a.at(p, k), y = a.at(q, k);
    a.at(p, k) = c * x - s * y;
    a.at(q, k) = s * x + c * y;
  }
  return true;
}

// Largest singular value by one-sided Jacobi rotations on the rows of the wide form.
inline Real largest_singular_value(const at::Tensor& matrix) {
  Dense a = exact(matrix);
  if (a.rows > a.cols) a = transposed(a);
  bool moved = true;
  for (int sweep = 0; moved && sweep < 30; ++sweep) {
    moved = false;
    for (int64_t p = 0; p < a.rows; ++p) {
      for (int64_t q = p + 1; q < a.rows; ++q) moved = rotate(a, p, q) || moved;
    }
  }
  Real most = 0;
  for (int64_t p = 0; p < a.rows; ++p) {
    Real square = 0;
    for (int64_t k = 0; k < a.cols; ++k) square += a.at(p, k) * a.at(p, k);
    most = std::max(most, std::sqrt(square));
  }
  return most;
}

enum class Shape { flat, nearly_flat, spike, geometric, rank_deficient, twins };
inline constexpr Shape kShapes[] = {Shape::flat,      Shape::nearly_flat,    Shape::spike,
                                    Shape::geometric, Shape::rank_deficient, Shape::twins};

// Largest value 1.
inline Spectrum spectrum_of(Shape shape, int64_t size, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform;
  Spectrum out(size, 1);
  for (int64_t i = 1; i < size; ++i) {
    if (shape == Shape::nearly_flat) out[i] = 0.95L + 0.05L * uniform(random);
    if (shape == Shape::spike) out[i] = 1e-3L * uniform(random);
    if (shape == Shape::geometric) out[i] = out[i - 1] * 0.5L;
    if (shape == Shape::rank_deficient) out[i] = 2 * i < size ? Real(uniform(random)) : 0;
    if (shape == Shape::twins) out[i] = i == 1 ? 1 - 1e-12L : Real(uniform(random));
  }
  return out;
}

}  // namespace taut::test
