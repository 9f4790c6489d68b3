#include "kernels/soft_cap.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cuda/adapter.hpp"
#include "kernels/stored.hpp"
#include "kernels/symmetric.hpp"
#include "src/core/core.hpp"

// s = p2(p1(x)) = x - 3 al^2 x^5 + 3 al^3 x^7 - al^4 x^9. With t = al x^2, s / x = h(t) = 1 - 3 t^2
// + 3 t^3
// - t^4, and 1 - h = t^2 (3 - 3 t + t^2) grows strictly for t > 0: its derivative is t (6 - 9 t + 4
// t^2), discriminant 81 - 96 < 0. So s(k) = w_max has one root t, al = t / k^2. A cap needs more:
// s(x) <= w_max for all x in [0, k], not at k alone. s'(x) = 1 - 15 t^2 + 21 t^3 - 9 t^4 = (1 - 3
// t)(1 + 3 t - 6 t^2 + 3 t^3), the second factor positive on [0, 1], so s rises exactly while t <=
// 1/3. There h(1/3) = 62/81: k <= (81/62) w_max, with k = w_max (1 - lr wd) + lr c: lr (c / w_max -
// wd)
// <= 19/62. Beyond, s exceeds w_max inside (0, k) and no alpha helps.
namespace taut::kernels {
namespace {

enum Slot : size_t { kT = kSoftCapSlots, kC, kTc, kQ, kOut, kWide, kStored };

constexpr double kMostGrowth = 19.0 / 62;

double shrinkage(double t) { return t * t * (3 - t * (3 - t)); }  // 1 - h(t)

// The smallest double t in [0, 1/3] with shrinkage(t) >= target.
double solve(double target) {
  double low = 0, high = 1.0 / 3;
  while (true) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return high;
    (shrinkage(middle) < target ? low : high) = middle;
  }
}

// The same rounded towards the larger alpha, as kernels/cuda/coupling.cu has it: k and the growth
// are off by less than 2^-49 of k, which 2^-46 of alpha makes good. NaN in place of an Error.
double holding_alpha(double w_max, double lr, double wd, double update) {
  const double growth = lr * (update / w_max - wd);
  const bool sensible = w_max > 0 && lr >= 0 && wd >= 0 && update >= 0 && lr * wd <= 1 &&
                        growth <= kMostGrowth && std::isfinite(growth);
  if (!sensible) return std::numeric_limits<double>::quiet_NaN();
  // Subtracting wd may have cancelled; what is lost is a share of the terms.
  const double most = growth + lr * (update / w_max + wd) * 0x1p-51;
  if (most <= 0) return 0;
  const double k = w_max * (1 + growth);
  return solve(most / (1 + most)) / (k * k) * (1 + 0x1p-46);
}

// The power of two nearest to the root of alpha where alpha X X^T would leave the range of float
// on the way, else 1.
double rescaling(double alpha) {
  if (alpha > 0x1p-80 && alpha < 0x1p80) return 1;
  return std::exp2(std::clamp(std::round(std::log2(alpha) / 2), -120.0, 120.0));
}

// alpha each_i for matrix i; `each` undefined: alpha.
at::Tensor capped(const at::Tensor& matrices, double alpha, const at::Tensor& each,
                  Workspace* workspace) {
  const at::NoGradGuard no_grad;
  Workspace own;
  Workspace& w = workspace != nullptr ? *workspace : own;
  const at::Tensor x = working_batch(matrices, w, kWide);
  require(!each.defined() || each.numel() == x.size(0), "expected {} alphas for {}, got {}",
          x.size(0), shape_text(matrices.sizes()), each.defined() ? each.numel() : 0);
  if (x.numel() > 0) require_finite(x, "cap");
  if (alpha == 0 || x.numel() == 0) return matrices.detach().clone();
  const bool tall = x.size(-2) > x.size(-1);
  const int64_t side = std::min(x.size(1), x.size(2));
  const auto square = [&](size_t slot) {
    return w.take(slot, {x.size(0), side, side}, x.options());
  };
  // (I - T)(I + T (I - T)^2) X with T = alpha X X^T; everything on the left commutes.
  const at::Tensor t = square(kT), c = square(kC), tc = square(kTc), q = square(kQ);
  const at::Tensor out = w.take(kOut, x.sizes(), x.options());
  const double root = rescaling(alpha);
  const at::Tensor scaled = root == 1 ? x : out.copy_(x).mul_(root);
  const at::Tensor wide = tall ? scaled.mT() : scaled;
  symmetric_product(t, 0, {}, alpha / (root * root), wide, wide.mT(), each);
  c.copy_(t).neg_().diagonal(0, -2, -1).add_(1);
  symmetric_product(tc, 0, {}, 1, t, c);
  symmetric_product(q, 0, {}, 1, c, c);
  symmetric_product(t, 1, c, 1, tc, q);
  at::Tensor product = out;
  tall ? at::bmm_out(product, x, t) : at::bmm_out(product, t, x);
  return as_stored(out, matrices, w, kStored);
}

}  // namespace

double soft_cap_coupling(double w_max, double lr, double wd, double update, double from) {
  require(w_max > 0 && lr >= 0 && wd >= 0 && update >= 0 && from >= 0 &&
              std::isfinite(w_max + lr + wd + update + from),
          "expected w_max > 0 and lr, wd, update, from >= 0, all finite, got {}, {}, {}, {}, {}",
          w_max, lr, wd, update, from);
  require(lr * wd <= 1, "expected lr * wd of at most 1, got {}", lr * wd);
  // k / w_max - 1, without cancellation when the cap stays what it is
  const double growth = from == 0 || from == w_max
                            ? lr * (update / w_max - wd)
                            : (from * (1 - lr * wd) + lr * update) / w_max - 1;
  if (growth <= 0) return 0;
  require(growth <= kMostGrowth,
          "the soft cap cannot hold w_max {} against this step: one step can exceed it by the "
          "share {}, its limit is 19/62 = {:.5f}; lower the learning rate or raise w_max",
          w_max, growth, kMostGrowth);
  // s(k) = w_max reads 1 - h(t) = growth / (1 + growth), without cancellation for small steps.
  const double k = w_max * (1 + growth);
  return solve(growth / (1 + growth)) / (k * k);
}

at::Tensor soft_cap_coupling(const at::Tensor& w_max, const at::Tensor& lr, const at::Tensor& wd,
                             const at::Tensor& update) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& x : {w_max, lr, wd, update}) {
    require(x.scalar_type() == at::kDouble && x.sizes() == w_max.sizes() &&
                x.device() == w_max.device(),
            "expected w_max, lr, wd and update in double, of one shape and on one device, got {} "
            "{} beside {} {}",
            toString(x.scalar_type()), shape_text(x.sizes()), toString(w_max.scalar_type()),
            shape_text(w_max.sizes()));
  }
  if (w_max.is_cuda()) return cuda::soft_cap_coupling(w_max, lr, wd, update);
  const at::Tensor w = w_max.contiguous(), l = lr.contiguous(), d = wd.contiguous(),
                   u = update.contiguous(), out = at::empty_like(w);
  double* alpha = out.mutable_data_ptr<double>();
  for (int64_t i = 0; i < w.numel(); ++i) {
    alpha[i] = holding_alpha(w.const_data_ptr<double>()[i], l.const_data_ptr<double>()[i],
                             d.const_data_ptr<double>()[i], u.const_data_ptr<double>()[i]);
  }
  return out;
}

at::Tensor soft_cap(const at::Tensor& matrices, double alpha, Workspace* workspace) {
  require(std::isfinite(alpha) && alpha >= 0, "expected a finite alpha >= 0, got {}", alpha);
  return capped(matrices, alpha, {}, workspace);
}

at::Tensor soft_cap(const at::Tensor& matrices, const at::Tensor& alphas, Workspace* workspace) {
  require(alphas.scalar_type() == at::kDouble && alphas.device() == matrices.device(),
          "expected an alpha for each matrix, in double and on its device, got {} on {}",
          toString(alphas.scalar_type()), alphas.device().str());
  return capped(matrices, 1, alphas.flatten().contiguous(), workspace);
}

}  // namespace taut::kernels
