#include "kernels/soft_cap.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

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
  constexpr double limit = 19.0 / 62;
  require(growth <= limit,
          "the soft cap cannot hold w_max {} against this step: one step can exceed it by the "
          "share {}, its limit is 19/62 = {:.5f}; lower the learning rate or raise w_max",
          w_max, growth, limit);
  // s(k) = w_max reads 1 - h(t) = growth / (1 + growth), without cancellation for small steps.
  const double k = w_max * (1 + growth);
  return solve(growth / (1 + growth)) / (k * k);
}

at::Tensor soft_cap(const at::Tensor& matrices, double alpha, Workspace* workspace) {
  const at::NoGradGuard no_grad;
  require(matrices.scalar_type() == at::kFloat || matrices.scalar_type() == at::kDouble,
          "expected matrices of float or double, got {}", toString(matrices.scalar_type()));
  require(std::isfinite(alpha) && alpha >= 0, "expected a finite alpha >= 0, got {}", alpha);
  const at::Tensor x = as_batch(matrices);
  if (alpha == 0 || x.numel() == 0) return matrices.detach().clone();
  const bool tall = x.size(-2) > x.size(-1);
  const at::Tensor wide = tall ? x.mT() : x;
  const int64_t side = wide.size(1);
  Workspace own;
  Workspace& w = workspace != nullptr ? *workspace : own;
  const auto square = [&](size_t slot) {
    return w.take(slot, {x.size(0), side, side}, x.options());
  };
  // (I - T)(I + T (I - T)^2) X with T = alpha X X^T; everything on the left commutes.
  const at::Tensor t = square(0), c = square(1), tc = square(2), q = square(3);
  symmetric_product(t, 0, {}, alpha, wide, wide.mT());
  c.copy_(t).neg_().diagonal(0, -2, -1).add_(1);
  symmetric_product(tc, 0, {}, 1, t, c);
  symmetric_product(q, 0, {}, 1, c, c);
  symmetric_product(t, 1, c, 1, tc, q);
  at::Tensor out = w.take(4, x.sizes(), x.options());
  if (tall) {
    at::bmm_out(out, x, t);
  } else {
    at::bmm_out(out, t, x);
  }
  return out.reshape(matrices.sizes());
}

}  // namespace taut::kernels
