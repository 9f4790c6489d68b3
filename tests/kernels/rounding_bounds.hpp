#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/polar_sets.hpp"

// How far floating point may take each function from its reference: Frobenius norms, a priori, from
// unit roundoffs, lengths of inner products and the singular values alone. fl(L R) is off by
// gamma_k ||L||_F ||R||_F [Higham, Accuracy and Stability, 3.5], and a function of singular values
// moves by its Lipschitz constant times the perturbation (of the Hermitian dilation, in this norm).
namespace taut::test {

inline double gamma(double k, double u) { return k * u < 1 ? k * u / (1 - k * u) : INFINITY; }

struct Arithmetic {
  double u;     // of the products
  double m, n;  // short and long side
};

inline double frobenius(const std::vector<double>& s) {
  double sum = 0;
  for (const double x : s) sum += x * x;
  return std::sqrt(sum);
}

inline double most(const std::vector<double>& s) {
  double top = 0;
  for (const double x : s) top = std::max(top, std::fabs(x));
  return top;
}

// |derivative| at x of the composition of steps from `first` to before `last`.
inline double slope_at(const std::vector<kernels::Quintic>& steps, size_t first, size_t last,
                       double x) {
  double slope = 1;
  for (size_t k = first; k < last; ++k) {
    const double t = x * x;
    slope *= steps[k].a + t * (3 * steps[k].b + t * 5 * steps[k].c);
    x *= steps[k].a + t * (steps[k].b + t * steps[k].c);
  }
  return std::fabs(slope);
}

// The largest one on [0, top].
inline double lipschitz(const std::vector<kernels::Quintic>& steps, size_t first, size_t last,
                        double top) {
  double largest = 0;
  for (int i = 0; i <= 4000; ++i) {  // most points near 0, where it is steep
    largest = std::max(largest, slope_at(steps, first, last, top * std::pow(i / 4000.0, 3)));
  }
  return largest;
}

inline void advance(std::vector<double>& s, const kernels::Quintic& q) {
  for (double& x : s) x *= q.a + x * x * (q.b + x * x * q.c);
}

// fl(b A + c A^2) of A = X X^T with singular values s, where A itself is off by `off`.
inline double square_error(const Arithmetic& r, const kernels::Quintic& q,
                           const std::vector<double>& s, double off) {
  const double top = most(s), a = top * top, size = top * frobenius(s);  // ||A||, ||A||_F
  return (std::fabs(q.b) + 2 * std::fabs(q.c) * a) * off +
         gamma(r.m + 3, r.u) * (std::fabs(q.b) * size + std::fabs(q.c) * size * size);
}

// What a set makes of a norm that is rounded up: by 1e-9, some units, and twice its own rounding
// bound. Every singular value starts smaller by one share.
inline double normalized_error(const Arithmetic& r, const std::vector<kernels::Quintic>& steps,
                               const std::vector<double>& s) {
  const double f = frobenius(s);
  const double share = 2e-9 + 20 * r.u + 2 * gamma(r.n + 2, r.u) * f * f;
  double square = 0;
  for (const double x : s) {
    double largest = 0;
    for (int i = 0; i <= 16; ++i) {
      largest = std::max(largest, slope_at(steps, 0, steps.size(), x * (1 - share * i / 16)));
    }
    square += std::pow(share * x * largest, 2);
  }
  return std::sqrt(square);
}

// Steps on X: X' = a X + (b A + c A^2) X. s: singular values over the Schatten-4 norm.
inline double plain_error(const Arithmetic& r, const std::vector<kernels::Quintic>& steps,
                          std::vector<double> s) {
  double total = normalized_error(r, steps, s);
  for (size_t i = 0; i < steps.size(); ++i) {
    const kernels::Quintic& q = steps[i];
    const double f = frobenius(s), top = most(s);
    const double b = std::fabs(q.b) * top * f + std::fabs(q.c) * top * top * top * f;
    const double fresh = square_error(r, q, s, gamma(r.n, r.u) * f * f) * top +
                         gamma(r.m + 2, r.u) * (std::fabs(q.a) + b) * f;
    advance(s, q);
    total += fresh * lipschitz(steps, i + 1, steps.size(), most(s) * 1.01);
  }
  return total;
}

// Steps on R = X X^T and their product Q, applied to X at the end of each of two runs.
inline double gram_error(const Arithmetic& r, const std::vector<kernels::Quintic>& steps,
                         std::vector<double> s) {
  const size_t restart = (steps.size() + 1) / 2;
  const double start = normalized_error(r, steps, s);
  double x_error = 0, r_error = 0, q_error = 0;
  std::vector<double> at_start, factor;  // of the run: X and Q
  for (size_t i = 0; i < steps.size(); ++i) {
    const kernels::Quintic& q = steps[i];
    const double f = frobenius(s), top = most(s), product = gamma(r.m + 3, r.u);
    const bool begins = i == 0 || i == restart, ends = i + 1 == steps.size() || i + 1 == restart;
    if (begins) at_start = s, factor.assign(s.size(), 1), r_error = gamma(r.n, r.u) * f * f;
    const double z_error = square_error(r, q, s, r_error), root_m = std::sqrt(r.m);
    std::vector<double> h;
    for (const double x : s) h.push_back(q.a + x * x * (q.b + x * x * q.c));
    h.push_back(q.a);  // directions that X does not have
    const double h_top = most(h), z_size = root_m * (h_top + std::fabs(q.a));
    const double q_top = std::max(most(factor), 1.0);
    q_error = begins ? z_error + r.u * z_size
                     : q_error * h_top + q_top * z_error +
                           product * q_top * root_m * (std::fabs(q.a) + z_size);
    for (size_t k = 0; k < s.size(); ++k) factor[k] *= h[k];
    const double fresh = product * (std::fabs(q.a) + z_size) * top * f;  // R (a I + Z)
    r_error = r_error * h_top * h_top + 2 * top * top * h_top * z_error + 2 * fresh * h_top +
              2 * product * (std::fabs(q.a) + z_size) * h_top * top * f;
    advance(s, q);
    if (!ends) continue;
    const size_t first = i + 1 == restart ? 0 : restart;
    x_error = x_error * lipschitz(steps, first, i + 1, most(at_start) * 1.01) +
              q_error * most(at_start) +
              gamma(r.m, r.u) * std::max(most(factor), 1.0) * root_m * frobenius(at_start);
  }
  return start + x_error;
}

// (I - T)(I + T (I - T)^2) X with T = alpha X X^T of norm at most 1.
inline double soft_cap_error(const Arithmetic& r, double alpha, const std::vector<double>& s) {
  const double f = frobenius(s), root_m = std::sqrt(r.m), t_size = alpha * most(s) * f;
  const double t = gamma(r.n + 2, r.u) * alpha * f * f, c = t + 2 * r.u * root_m;
  const double tc = t + c + gamma(r.m, r.u) * t_size * root_m;
  const double q = 2 * c + gamma(r.m, r.u) * r.m;
  const double left = c + tc + q + gamma(r.m + 2, r.u) * (root_m + t_size * root_m * root_m);
  return left * most(s) + gamma(r.m, r.u) * 2 * root_m * f;
}

// Eigenvectors of G = X X^T, whose own backward error is taken as 10 m u ||G||; weights
// min(1, limit / sigma) have the slope 1 / (2 limit^2) in sigma^2.
inline double exact_cap_error(const Arithmetic& r, double limit, const std::vector<double>& s) {
  const double f = frobenius(s), top = most(s);
  const double gram = gamma(r.n, r.u) * f * f + 10 * r.m * r.u * top * top * std::sqrt(r.m);
  return gram / (2 * limit * limit) * top + 4 * gamma(r.m + 2, r.u) * std::sqrt(r.m) * f;
}

// A top pair whose gap is nearly the value itself, by products with W and W^T.
inline double pair_error(const Arithmetic& r, const std::vector<double>& s) {
  return 4 * gamma(r.m + r.n + 8, r.u) * frobenius(s) / most(s);
}

// What the certified division takes from a matrix of which `error` may have been over: that, and
// the margins and aims of two rounds (cap_certified.cpp).
inline double division_error(double stored_unit, double m, double limit, double size,
                             double error) {
  const double step = std::max(2 * std::sqrt(m) * stored_unit, 1e-9);
  return error + size * (error / limit + 24 * step);
}

}  // namespace taut::test
