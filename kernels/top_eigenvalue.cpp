#include "kernels/top_eigenvalue.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

constexpr int64_t kDirectSide = 96;  // below, all eigenvalues cost less than the iteration
constexpr int64_t kPlainSteps = 40, kInverseSteps = 80, kLookEvery = 10;
constexpr double kResidual = 1e-11;

at::Tensor square_of(std::vector<double>& storage, int64_t n) {
  storage.resize(n * n);
  return at::from_blob(storage.data(), {n, n}, at::TensorOptions(at::kDouble));
}

at::Tensor full(const Gram& g, std::vector<double>& storage) {
  const at::Tensor whole = square_of(storage, g.size);
  double* out = storage.data();
  for (int64_t i = 0; i < g.size; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      out[i * g.size + j] = out[j * g.size + i] = g.lower[i * g.size + j];
    }
  }
  return whole;
}

EigenEstimate estimate(double value, const at::Tensor& vector) {
  const at::Tensor v = vector.contiguous();
  return {value,
          std::vector<double>(v.const_data_ptr<double>(), v.const_data_ptr<double>() + v.numel())};
}

EigenEstimate directly(const at::Tensor& g) {
  const auto [values, vectors] = at::linalg_eigh(g, "L");
  return estimate(values[-1].item<double>(), vectors.select(1, g.size(0) - 1));
}

struct Ritz {
  double value = 0, residual = 0, error = 0;  // error: to the nearest eigenvalue, to first order
  at::Tensor vector;
};

// The largest pair of the tridiagonal matrix of the first k steps: an eigenvalue lies within the
// residual beta |s_k|, and within its square over the gap.
Ritz largest_pair(const at::Tensor& tridiagonal, const at::Tensor& basis, int64_t k, double beta) {
  const at::Tensor t = tridiagonal.narrow(0, 0, k).narrow(1, 0, k);
  const auto [values, vectors] = at::linalg_eigh(t, "L");
  const double top = values[k - 1].item<double>();
  const double gap = k > 1 ? top - values[k - 2].item<double>() : 0;
  const double residual = beta * std::fabs(vectors[k - 1][k - 1].item<double>());
  const double error = std::min(residual, residual * residual / std::max(gap, 1e-300));
  return {top, residual, error, at::mv(basis.narrow(0, 0, k).t(), vectors.select(1, k - 1))};
}

// Lanczos with full orthogonalisation, twice, for the largest eigenvalue of a symmetric operator;
// ends early once `good` says so, or in an invariant space. [Golub & Van Loan, chapter 10]
template <class Operator, class Good>
Ritz lanczos(const at::Tensor& start, int64_t most, const Operator& apply, const Good& good) {
  const int64_t n = start.size(0);
  const at::Tensor basis = at::zeros({most + 1, n}, start.options());
  const at::Tensor tridiagonal = at::zeros({most + 1, most + 1}, start.options());
  basis[0].copy_(start / start.norm());
  for (int64_t k = 1;; ++k) {
    at::Tensor w = apply(basis[k - 1]);
    const double before = w.norm().item<double>();
    tridiagonal[k - 1][k - 1] = at::dot(w, basis[k - 1]);
    const at::Tensor known = basis.narrow(0, 0, k);
    for (int pass = 0; pass < 2; ++pass) w = w - at::mv(known.t(), at::mv(known, w));
    const double beta = w.norm().item<double>();
    const bool ends = k == most || !(beta > 1e-14 * before);
    if (ends || k % kLookEvery == 0) {
      Ritz found = largest_pair(tridiagonal, basis, k, beta);
      if (ends || good(found)) return found;
    }
    tridiagonal[k][k - 1] = beta;
    basis[k].copy_(w / beta);
  }
}

// Flat spectra keep Lanczos busy for hundreds of steps: their largest values are close beside the
// width of the spectrum. Beside their distance to a shift a little above they are not, so Lanczos
// on (shift I - G)^-1 settles in some ten.
//
// `b` is G and becomes shift I - G.
std::optional<EigenEstimate> by_inverse(const at::Tensor& b, const Ritz& rough,
                                        std::vector<double>& storage) {
  const int64_t n = b.size(0);
  at::Tensor lower = square_of(storage, n).t();  // as LAPACK has it, or LibTorch makes a copy
  at::Tensor failed = at::empty({}, at::kInt);
  double excess = 2 * rough.residual + 1e-9 * rough.value, shift = 0;
  b.neg_();
  for (int attempt = 0; attempt < 4; ++attempt, excess *= 4) {
    b.diagonal().add_(rough.value + excess - shift);
    shift = rough.value + excess;
    at::linalg_cholesky_ex_out(lower, failed, b);
    if (failed.item<int>() != 0) continue;
    const auto solve = [&](const at::Tensor& x) {
      const at::Tensor y = at::linalg_solve_triangular(lower, x.unsqueeze(1), /*upper=*/false);
      return at::linalg_solve_triangular(lower.t(), y, /*upper=*/true).squeeze(1);
    };
    // d(shift - 1 / mu) = d mu / mu^2
    const auto good = [&](const Ritz& r) {
      return r.error <= kResidual * rough.value * r.value * r.value;
    };
    const Ritz found = lanczos(rough.vector, std::min(n - 1, kInverseSteps), solve, good);
    if (!good(found)) return std::nullopt;
    return estimate(shift - 1 / found.value, found.vector);
  }
  return std::nullopt;
}

}  // namespace

EigenEstimate estimate_top(const Gram& g, ProofStorage& storage) {
  const at::Tensor whole = full(g, storage.factor);
  if (g.size <= kDirectSide) return directly(whole);
  const auto good = [](const Ritz& r) { return r.error <= kResidual * r.value; };
  const Ritz rough = lanczos(
      at::randn({g.size}, make_generator(0x746f70), at::kDouble), kPlainSteps,
      [&](const at::Tensor& x) { return at::mv(whole, x); }, good);
  if (good(rough)) return estimate(rough.value, rough.vector);
  if (auto found = by_inverse(whole, rough, storage.chunk)) return *found;
  return estimate_directly(g, storage);
}

EigenEstimate estimate_directly(const Gram& g, ProofStorage& storage) {
  return directly(full(g, storage.factor));
}

}  // namespace taut::kernels
