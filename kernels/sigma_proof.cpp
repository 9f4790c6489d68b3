#include "kernels/sigma_proof.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/cholesky.hpp"
#include "kernels/dot.hpp"
#include "kernels/rounding.hpp"

// Theorem. A is (m, n) in double, m >= n, largest magnitude in [1/2, 1), cut into K chunks A_k of
// at most c rows, and G is one triangle of fl(...fl(fl(S_1 + S_2) + S_3)... + S_K), each S_k =
// fl(A_k^T A_k) in conventional inner products (any order, FMA or not). If textbook Cholesky of
// B = fl(rho I - G) runs to completion with positive finite pivots, then with N = c + K - 1
//   sigma(A)^2 <= rho + gamma_{n+1} / (1 - gamma_{n+1}) tr B + 2 u (rho + max_i G_ii) + gamma_N
//   ||A||_F^2.
// Proof. (1) |S_k - A_k^T A_k| <= gamma_c |A_k|^T |A_k| entry by entry [Higham, Accuracy and
// Stability, 3.5], and in the sum S_k passes K - 1 additions at most, each a factor 1 + delta,
// |delta| <= u; so what S_k contributes to G is off by at most (gamma_c + gamma_{K-1} + gamma_c
// gamma_{K-1}) |A_k|^T |A_k| <= gamma_N |A_k|^T |A_k| [Higham, lemma 3.3]. Sum over k: |G - A^T A|
// <= gamma_N |A|^T |A|, and ||G - A^T A|| <= gamma_N || |A| ||^2 <= gamma_N ||A||_F^2. One chunk is
// the usual gamma_m; 50304 rows in chunks of 1024 have N = 1073. (2) B differs from rho I - G on
// the diagonal alone, by u (rho - G_ii) <= u rho at most. (3) The computed factor has R^T R = B +
// E, |E| <= gamma_{n+1} |R|^T |R| [Higham 10.3], and diagonal entry i of it says ||r_i||^2 (1 -
// gamma_{n+1}) <= b_ii; hence
// ||E|| <= gamma_{n+1} sum_i ||r_i||^2 <= gamma_{n+1} / (1 - gamma_{n+1}) tr B. R^T R is positive
// semidefinite, so lambda_min(B) >= -||E|| [Demmel 1989; Rump 2006]. Add up.
//
// Underflow. Every product or quotient may move by eta = 2^-1074 more. That adds at most n m eta to
// (1), sums of doubles being free of it, and 4 n^2 (n + rho + 1) eta to (3): below 2^-900 for any
// matrix that fits a machine. The third term has 2 u (rho + max G_ii) where the proof needs u rho;
// a completed test has rho > G_ii for every i, and the largest entry gives max G_ii >= (1 -
// gamma_N) / 4, so u / 4 > 2^-56 is to spare. The scaling itself moves entries by eta at most
// (scaled_matrix.cpp), inside the factor 1 + 4 u on the result.
//
// Assumed: IEEE double, round to nearest, correctly rounded +, -, *, /, sqrt, and a BLAS that forms
// conventional inner products. Mode and subnormals are checked when the matrix is scaled;
// check_gram and check_factor multiply out one fixed vector, which catches a broken or imprecise
// BLAS and proves nothing. This folder is compiled without -ffast-math. The estimate of lambda
// needs no trust: it only chooses rho.
namespace taut::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kExcess = 1e-10;  // of rho over the estimate: what an estimate may be wrong by

// All terms but rho.
double allowance(const Evidence& e, double rho, double trace) {
  const double gamma_n = gamma_up(e.g.size + 1);
  const double cholesky = up(up(gamma_n / down(1 - gamma_n)) * trace);
  const double diagonal = up(2 * kUnit * up(rho + e.diagonal_most));
  const double product = up(gamma_up(gram_terms(e.a)) * e.a.frobenius_sq);
  return up(up(cholesky + diagonal) + product);
}

// Bounds on the norm of x; its entries are known to be far from underflow in sum.
double norm_up(const std::vector<double>& x) {
  const auto size = static_cast<int64_t>(x.size());
  return up(std::sqrt(up(dot(x.data(), x.data(), size) * up(1 + gamma_up(size + 1)))));
}

double norm_down(const std::vector<double>& x) {
  const auto size = static_cast<int64_t>(x.size());
  return down(std::sqrt(down(dot(x.data(), x.data(), size) * down(1 - gamma_up(size + 1)))));
}

}  // namespace

Evidence gather(const ScaledMatrix& a, ProofStorage storage) {
  Gram g = gram(a, storage);
  Evidence e{a, std::move(g), 0, 0, std::move(storage)};
  for (int64_t i = 0; i < e.g.size; ++i) {
    const double entry = e.g.lower[i * e.g.size + i];
    e.diagonal_most = std::max(e.diagonal_most, entry);
    e.diagonal_sum += entry;
  }
  return e;
}

ProofStorage release(Evidence& evidence) {
  evidence.storage.gram = std::move(evidence.g.lower);
  return std::move(evidence.storage);
}

double upper_if_completed(const Evidence& e, double rho) {
  const CholeskyTest test = cholesky_test(e.g, rho, e.storage.factor);
  if (!test.completed) return kInfinity;
  const double square = up(rho + allowance(e, rho, test.trace));
  return up(up(std::sqrt(square)) * (1 + 4 * kUnit));
}

double rho_for_limit(const Evidence& e, double limit) {
  const double square = limit * limit * (1 - 32 * kUnit);
  const double trace = static_cast<double>(e.g.size) * square - e.diagonal_sum;
  return square - allowance(e, square, std::max(trace, 0.0)) * (1 + 1e-6);
}

double upper_near(const Evidence& e, double lambda) {
  const double bound = upper_if_completed(e, lambda * (1 + kExcess));
  return bound < kInfinity ? std::min(frobenius_upper(e.a), bound) : kInfinity;
}

double upper_from_estimate(const Evidence& e, double lambda) {
  double upper = frobenius_upper(e.a);
  for (double excess = kExcess; excess < 1; excess *= 10) {
    const double bound = upper_if_completed(e, lambda * (1 + excess));
    if (bound < kInfinity) return std::min(upper, bound);
  }
  return upper;
}

double frobenius_upper(const ScaledMatrix& a) {
  return up(up(std::sqrt(a.frobenius_sq)) * (1 + 4 * kUnit));
}

// ||A v|| >= ||fl(A v)|| - gamma_n || |A| |v| ||; the computed magnitudes are low by gamma_n at
// most, hence gamma_{2n+4}. 1e-300 stands for all underflow, of the scaling too.
double lower_witness(const ScaledMatrix& a, const std::vector<double>& v) {
  Product x{v, v};
  for (double& entry : x.magnitude) entry = std::fabs(entry);
  const Product y = times(a, x);
  const double length = norm_up(v), image = norm_down(y.value);
  const double rounding = up(gamma_up(2 * a.short_side() + 4) * norm_up(y.magnitude));
  double lower = 0.5;  // the largest entry
  if (length > 0.5 && length < 2 && image > 0.25) {
    lower = std::max(lower, down(down(down(image - rounding) / length) - 1e-300));
  }
  return lower;
}

double stored_upper(double scaled, const ScaledMatrix& a) {
  return up(std::ldexp(scaled, a.exponent));
}

double stored_lower(double scaled, const ScaledMatrix& a) {
  return std::max(0.0, down(std::ldexp(scaled, a.exponent)));
}

}  // namespace taut::kernels
