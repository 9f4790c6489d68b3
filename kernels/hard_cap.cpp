#include "kernels/hard_cap.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "kernels/certified_sigma.hpp"
#include "kernels/orthogonalize.hpp"
#include "kernels/polynomial.hpp"
#include "kernels/stored.hpp"
#include "kernels/symmetric.hpp"
#include "src/core/core.hpp"

// What each method does to one singular value, x = sigma / limit.
//
// exact: G = X X^T = U diag(x^2) U^T and X <- X + U diag(min(1, 1 / x) - 1) U^T X. Where x <= 1 the
// weight is 0: what is below the cap is not touched.
//
// bounded: with E = x^2 - 1, p = (1 + sign E) / 2 and the Taylor polynomial of (1 + E)^(-1/2),
// q = 1 - E / 2 + 3 E^2 / 8 - 5 E^3 / 16, x (1 - p (1 - q)) is x below the cap and x q = 1 + O(E^4)
// above. The sign is inexact near E = 0, where 1 - q is of the size of E: the errors multiply.
//
// msign: with o = sign x, (o + x + (o - x) sign(x^2 - 1)) / 2 is (1 + x + 1 - x) / 2 = 1 above and
// (1 + x - 1 + x) / 2 = x below. The published form also multiplies o + x by a computed
// sign(x^2 + 1), which is 1, so that the errors of two signs cancel in half precision; in single
// and double it was measured to add error, and it costs a third sign.
namespace taut::kernels {
namespace {

constexpr int64_t kExactSide = 256;  // where eigenvectors cost no more than six matrix products
constexpr double kBoundedLimit = 1.1, kMsignLimit = 5;

at::Tensor plus_identity(at::Tensor x, double weight) {
  x.diagonal(0, -2, -1).add_(weight);
  return x;
}

// Matrices that hold the limit come back bit for bit.
at::Tensor exact(const at::Tensor& x, double limit) {
  const at::Tensor wide = x.to(at::kDouble);
  const auto [square, u] = at::linalg_eigh(at::matmul(wide, wide.mT()));
  const at::Tensor weight = limit / square.clamp_min(0).sqrt().clamp_min(limit) - 1;
  const at::Tensor change = at::matmul(u * weight.unsqueeze(-2), at::matmul(u.mT(), wide));
  return at::where((weight < 0).any(-1, true).unsqueeze(-1), wide + change, wide)
      .to(x.scalar_type());
}

// fl(l r) of symmetric factors that commute.
at::Tensor symmetric(const at::Tensor& l, const at::Tensor& r) {
  at::Tensor out = at::empty_like(l, at::MemoryFormat::Contiguous);
  symmetric_product(out, 0, {}, 1, l, r);
  return out;
}

at::Tensor gram_less_identity(const at::Tensor& x) {
  at::Tensor e = at::empty({x.size(0), x.size(1), x.size(1)}, x.options());
  symmetric_product(e, 0, {}, 1, x, x.mT());
  return plus_identity(e, -1);
}

at::Tensor bounded(const at::Tensor& x) {
  const at::Tensor e = gram_less_identity(x);
  const at::Tensor p = plus_identity(sign_symmetric(e), 1) / 2;
  const at::Tensor square = symmetric(e, e);
  // 1 - q = E / 2 - 3 E^2 / 8 + 5 E^3 / 16
  at::Tensor drop = polynomial_update(0.5, e, -0.375, square);
  symmetric_product(drop, 1, drop, 0.3125, e, square);
  return at::baddbmm(x, symmetric(p, drop), x, 1, -1);
}

at::Tensor by_msign(const at::Tensor& x) {
  const at::Tensor o = orthogonalize(x, {PolarSet::polar_express, 7});
  const at::Tensor cut = sign_symmetric(gram_less_identity(x));
  return at::baddbmm(o + x, cut, o - x) / 2;
}

}  // namespace

at::Tensor hard_cap_by(HardCap method, const at::Tensor& matrices, double limit) {
  const at::NoGradGuard no_grad;
  require(std::isfinite(limit) && limit > 0, "expected a norm limit above 0, got {}", limit);
  require(matrices.scalar_type() == at::kFloat || matrices.scalar_type() == at::kDouble,
          "expected matrices of float or double, got {}", toString(matrices.scalar_type()));
  const at::Tensor batch = as_batch(matrices);
  require(at::isfinite(batch).all().item<bool>(),
          "expected finite matrices to cap, got NaN or infinity in {}",
          shape_text(matrices.sizes()));
  if (batch.numel() == 0) return matrices.detach().clone();
  const bool tall = batch.size(1) > batch.size(2);
  const at::Tensor x = tall ? batch.mT() : batch;
  const at::Tensor y = method == HardCap::exact     ? exact(x, limit)
                       : method == HardCap::bounded ? bounded(x / limit) * limit
                                                    : by_msign(x / limit) * limit;
  return (tall ? y.mT() : y).reshape(matrices.sizes()).contiguous();
}

at::Tensor hard_cap(const at::Tensor& matrices, double limit, double sigma_bound) {
  require(matrices.dim() >= 2, "expected matrices (..., m, n), got {}",
          shape_text(matrices.sizes()));
  require(sigma_bound >= 0, "expected a bound on sigma, or 0 for none, got {}", sigma_bound);
  if (sigma_bound > 0 && sigma_bound <= limit) return cap_certified(matrices, limit);
  const int64_t side = std::min(matrices.size(-2), matrices.size(-1));
  HardCap method = HardCap::exact;
  if (side > kExactSide && sigma_bound > 0 && sigma_bound <= kMsignLimit * limit) {
    method = sigma_bound <= kBoundedLimit * limit ? HardCap::bounded : HardCap::msign;
  }
  return cap_certified(hard_cap_by(method, matrices, limit), limit);
}

}  // namespace taut::kernels
