#include "kernels/hard_cap.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "kernels/certified_sigma.hpp"
#include "kernels/orthogonalize.hpp"
#include "kernels/stored.hpp"
#include "kernels/symmetric.hpp"
#include "src/core/core.hpp"

// What each method does to one singular value, x = sigma / limit.
//
// exact: G = X X^T = U diag(x^2) U^T and X <- X + U diag(min(1, 1 / x) - 1) U^T X. Where x <= 1 the
// weight is 0: what is below the cap is not touched.
//
// eigen: the same, divided by the limit beforehand, in float for float. w(G) = G^(-1/2) - 1 above
// 1, 0 below, has slope at most 1/2, so an error of n u sigma^2 in G stays one but for a factor of
// log n that its corner at 1 may cost. On CPUs LAPACK's eigenvectors take less time than the
// products of one sign.
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

enum Slot : size_t { kWide = kHardCapSlots, kX, kE, kSquare, kDrop, kOut, kStored };

struct Field {
  Workspace& workspace;
  at::Tensor x;  // (batch, short, long), over the limit where the method wants it so

  at::Tensor take(Slot slot, c10::IntArrayRef shape) const {
    return workspace.take(slot, shape, x.options());
  }
  at::Tensor square(Slot slot) const { return take(slot, {x.size(0), x.size(1), x.size(1)}); }
};

at::Tensor plus_identity(at::Tensor x, double weight) {
  x.diagonal(0, -2, -1).add_(weight);
  return x;
}

// Matrices that hold the limit come back bit for bit. An exact power of two keeps squares of huge
// and tiny entries in range.
at::Tensor exact(const at::Tensor& x, const at::Tensor& largest, double limit) {
  const at::Tensor most = at::where(largest > 0, largest, at::ones_like(largest)).to(at::kDouble);
  // (batch, 1, 1); the mantissa is exact, so is the quotient, and 2^1024 is avoided.
  const at::Tensor unit = at::where(most > 1, most / 2, most) / std::get<0>(at::frexp(most));
  const at::Tensor wide = x.to(at::kDouble), scaled = wide / unit;
  const at::Tensor cap = limit / unit.squeeze(-1);
  const auto [square, u] = at::linalg_eigh(at::matmul(scaled, scaled.mT()));
  const at::Tensor weight = cap / square.clamp_min(0).sqrt().maximum(cap) - 1;
  const at::Tensor change = at::matmul(u * weight.unsqueeze(-2), at::matmul(u.mT(), wide));
  return at::where((weight < 0).any(-1, true).unsqueeze(-1), wide + change, wide)
      .to(x.scalar_type());
}

at::Tensor squared(const Field& f) {
  const at::Tensor gram = f.square(kE);
  symmetric_product(gram, 0, {}, 1, f.x, f.x.mT());
  return gram;
}

// Eigenvalues ascend: only the vectors of those above 1 count. On a GPU their number is not asked.
at::Tensor by_eigenvectors(const Field& f) {
  const at::Tensor gram = squared(f), drop = f.square(kDrop);
  // Squares beyond float: longer than any bound worth the name, and no matter for LAPACK.
  if (!std::isfinite(gram.sum(at::kDouble).item<double>())) return {};
  const auto [square, vectors] = at::linalg_eigh(gram);
  const int64_t side = square.size(1);
  const int64_t below = !square.is_cpu() ? 0 : square.le(1).sum(1).min().item<int64_t>();
  const at::Tensor weight = square.narrow(1, below, side - below).clamp_min(1).rsqrt() - 1;
  const at::Tensor u = vectors.narrow(2, below, side - below);
  symmetric_product(drop, 0, {}, 1, u * weight.unsqueeze(1), u.mT());
  at::Tensor out = f.take(kOut, f.x.sizes());
  return at::baddbmm_out(out, f.x, drop, f.x);
}

at::Tensor gram_less_identity(const Field& f) { return plus_identity(squared(f), -1); }

at::Tensor bounded(const Field& f) {
  const at::Tensor e = gram_less_identity(f);
  const at::Tensor p =
      plus_identity(sign_symmetric(e, {PolarSet::polar_express, 7}, &f.workspace), 1);
  const at::Tensor square = f.square(kSquare), drop = f.square(kDrop);
  symmetric_product(square, 0, {}, 1, e, e);
  // 1 - q = E / 2 - 3 E^2 / 8 + 5 E^3 / 16
  drop.copy_(e).mul_(0.5).add_(square, -0.375);
  symmetric_product(drop, 1, drop, 0.3125, e, square);
  symmetric_product(square, 0, {}, 0.5, p, drop);
  at::Tensor out = f.take(kOut, f.x.sizes());
  return at::baddbmm_out(out, f.x, square, f.x, 1, -1);
}

at::Tensor by_msign(const Field& f) {
  const at::Tensor o =
      orthogonalize(f.x, {PolarSet::polar_express, 7}, PolarForm::automatic, &f.workspace);
  const at::Tensor cut =
      sign_symmetric(gram_less_identity(f), {PolarSet::polar_express, 7}, &f.workspace);
  at::Tensor out = f.take(kOut, f.x.sizes()), less = f.take(kDrop, f.x.sizes());
  at::sub_out(less, o, f.x);
  at::add_out(out, o, f.x);
  return out.baddbmm_(cut, less).div_(2);
}

// In place of x, a view of storage of ours.
at::Tensor over_limit(const at::Tensor& x, double limit, Workspace& workspace) {
  return workspace.take(kX, x.sizes(), x.options()).copy_(x).div_(limit);
}

}  // namespace

at::Tensor hard_cap_by(HardCap method, const at::Tensor& matrices, double limit,
                       Workspace* workspace) {
  const at::NoGradGuard no_grad;
  require(std::isfinite(limit) && limit > 0, "expected a norm limit above 0, got {}", limit);
  Workspace own;
  Workspace& w = workspace != nullptr ? *workspace : own;
  const at::Tensor batch = working_batch(matrices, w, kWide);
  if (batch.numel() == 0) return matrices.detach().clone();
  const at::Tensor largest = largest_entry(batch, "cap");
  const bool tall = batch.size(1) > batch.size(2);
  const at::Tensor x = tall ? batch.mT() : batch;
  const auto result = [&] {
    if (method == HardCap::exact) return exact(x, largest, limit);
    const Field f{w, over_limit(x, limit, w)};
    if (method == HardCap::eigen) {
      const at::Tensor capped = by_eigenvectors(f);
      return capped.defined() ? capped.mul_(limit) : exact(x, largest, limit);
    }
    return (method == HardCap::bounded ? bounded(f) : by_msign(f)).mul_(limit);
  };
  const at::Tensor y = result();
  return as_stored(tall ? y.mT() : y, matrices, w, kStored);
}

at::Tensor hard_cap(const at::Tensor& matrices, double limit, double sigma_bound,
                    Workspace* workspace, Proof proof) {
  require(matrices.dim() >= 2, "expected matrices (..., m, n), got {}",
          shape_text(matrices.sizes()));
  require(sigma_bound >= 0, "expected a bound on sigma, or 0 for none, got {}", sigma_bound);
  const auto proved = [&](const at::Tensor& held) {
    return proof == Proof::now ? cap_certified(held, limit, workspace) : held;
  };
  if (sigma_bound > 0 && sigma_bound <= limit) return proved(matrices);
  const int64_t side = std::min(matrices.size(-2), matrices.size(-1));
  HardCap method = HardCap::exact;
  // Eigenvectors of a GPU end in a question to it.
  if ((side > kExactSide || !matrices.is_cpu()) && sigma_bound > 0 &&
      sigma_bound <= kMsignLimit * limit) {
    method = matrices.is_cpu()                      ? HardCap::eigen
             : sigma_bound <= kBoundedLimit * limit ? HardCap::bounded
                                                    : HardCap::msign;
  }
  return proved(hard_cap_by(method, matrices, limit, workspace));
}

}  // namespace taut::kernels
