#include "kernels/top_eigenvalue.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

constexpr int64_t kDirectSide = 96;  // below, all eigenvalues cost less than the iteration
constexpr int64_t kMostSteps = 240, kLookEvery = 20;
constexpr double kResidual = 1e-11;

at::Tensor full(const Gram& g) {
  const at::Tensor lower = at::from_blob(const_cast<double*>(g.lower.data()), {g.size, g.size},
                                         at::TensorOptions(at::kDouble))
                               .tril();
  return lower + lower.tril(-1).mT();
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

// The largest pair of the tridiagonal matrix of the first k steps, if its residual beta |s_k| says
// that it is one of G: an eigenvalue lies within the residual, and within its square over the gap.
std::optional<EigenEstimate> settled(const at::Tensor& tridiagonal, const at::Tensor& basis,
                                     int64_t k, double beta) {
  const at::Tensor t = tridiagonal.narrow(0, 0, k).narrow(1, 0, k);
  const auto [values, vectors] = at::linalg_eigh(t, "L");
  const double top = values[k - 1].item<double>(), gap = top - values[k - 2].item<double>();
  const double residual = beta * std::fabs(vectors[k - 1][k - 1].item<double>());
  const double error = std::min(residual, residual * residual / std::max(gap, 1e-300));
  if (!(error <= kResidual * top)) return std::nullopt;
  return estimate(top, at::mv(basis.narrow(0, 0, k).t(), vectors.select(1, k - 1)));
}

// Lanczos with full orthogonalisation, twice. [Golub & Van Loan, chapter 10]
std::optional<EigenEstimate> by_lanczos(const at::Tensor& g) {
  const int64_t n = g.size(0), most = std::min(n - 1, kMostSteps);
  const at::Tensor basis = at::zeros({most + 1, n}, g.options());
  const at::Tensor tridiagonal = at::zeros({most + 1, most + 1}, g.options());
  const at::Tensor start = at::randn({n}, make_generator(0x746f70), at::kDouble);
  basis[0].copy_(start / start.norm());
  for (int64_t k = 0; k < most; ++k) {
    at::Tensor w = at::mv(g, basis[k]);
    tridiagonal[k][k] = at::dot(w, basis[k]);
    const at::Tensor known = basis.narrow(0, 0, k + 1);
    for (int pass = 0; pass < 2; ++pass) w = w - at::mv(known.t(), at::mv(known, w));
    const double beta = w.norm().item<double>();
    if ((k + 1) % kLookEvery == 0) {
      if (auto found = settled(tridiagonal, basis, k + 1, beta)) return found;
    }
    if (!(beta > 0)) return std::nullopt;  // an invariant space: rare, and not worth a restart
    tridiagonal[k + 1][k] = beta;
    basis[k + 1].copy_(w / beta);
  }
  return std::nullopt;
}

}  // namespace

EigenEstimate estimate_top(const Gram& g) {
  const at::Tensor whole = full(g);
  if (g.size > kDirectSide) {
    if (auto found = by_lanczos(whole)) return *found;
  }
  return directly(whole);
}

}  // namespace taut::kernels
