#include "attacks/ball.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "attacks/draws.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;
using models::Norm;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// (rows, groups, entries): each group has its own Euclidean norm.
Tensor grouped(const models::Threat& threat, const Tensor& x) {
  return threat.norm == Norm::every_token ? x : x.flatten(1).unsqueeze(1);
}

// Not linalg_vector_norm: its single precision sum runs along the row and loses digits.
Tensor group_norm(const Tensor& groups) { return groups.square().sum(-1, true).sqrt(); }

// The fp32 numbers inside the box, so that what is clamped to them is inside in fp64 too.
float lowest(const models::Box& box) {
  const auto low = static_cast<float>(box.low);
  return low < box.low ? std::nextafter(low, std::numeric_limits<float>::infinity()) : low;
}

float highest(const models::Box& box) {
  const auto high = static_cast<float>(box.high);
  return high > box.high ? std::nextafter(high, -std::numeric_limits<float>::infinity()) : high;
}

Tensor clip(const Tensor& x, const Tensor& low, const Tensor& high) {
  return at::minimum(at::maximum(x, low), high);
}

// The projection is clip(s v) with the largest s <= 1 that stays in the ball (s = 1 / (1 +
// multiplier)). With u = s^2, ||clip(s v)||^2 is increasing, concave and piecewise linear in u:
// Newton's method from u = (eps / ||v||)^2, inside the ball, climbs to the solution without leaving
// the ball, in finitely many steps: no row of the tests takes more than five. A GPU is not asked
// whether they were enough, which would wait for it; whatever they have come to lies inside.
constexpr int kIterations = 60, kUnaskedIterations = 12;

Tensor project_l2_box(const Tensor& v, const Tensor& eps, const Tensor& low, const Tensor& high) {
  const Tensor square = v.square(), norm = group_norm(v);
  Tensor u = at::where(norm > eps, eps / norm, at::ones_like(norm)).square();
  Tensor inside = clip(u.sqrt() * v, low, high);
  const bool asks = v.is_cpu();
  for (int i = 0; i < (asks ? kIterations : kUnaskedIterations); ++i) {
    const Tensor free = (inside > low).logical_and(inside < high);
    const Tensor rate = (square * free).sum(-1, true);
    const Tensor left = eps.square() - inside.square().sum(-1, true);
    const Tensor next =
        at::where(rate > 0, u + left / at::where(rate > 0, rate, 1), at::ones_like(u)).clamp(0, 1);
    const bool settled = asks && ((next - u).abs() <= 1e-6 * u).all().item<bool>();
    u = next;
    inside = clip(u.sqrt() * v, low, high);
    if (settled) break;
  }
  return inside;
}

Tensor project_l2(const Ball& ball, const Tensor& delta) {
  const Tensor v = grouped(ball.threat, delta);
  const Tensor eps = ball.eps.to(delta.scalar_type()).view({-1, 1, 1});
  if (!ball.threat.box) {
    const Tensor norm = group_norm(v);
    return (v * at::where(norm > eps, eps / norm, at::ones_like(norm))).view_as(delta);
  }
  const Tensor clean = grouped(ball.threat, ball.clean).to(delta.scalar_type());
  const models::Box& box = *ball.threat.box;
  return project_l2_box(v, eps, lowest(box) - clean, highest(box) - clean).view_as(delta);
}

Tensor project_linf(const Ball& ball, const Tensor& delta) {
  const Tensor eps = per_row(ball.eps.to(delta.scalar_type()), delta);
  const Tensor d = clip(delta, -eps, eps);
  if (!ball.threat.box) return d;
  const Tensor clean = ball.clean.to(delta.scalar_type());
  return clip(d, lowest(*ball.threat.box) - clean, highest(*ball.threat.box) - clean);
}

// (rows, 1), or (rows, tokens) for one_token.
Tensor dual_norm(Norm norm, const Tensor& g) {
  if (norm == Norm::linf) return g.abs().flatten(1).sum(1, true);
  if (norm == Norm::l2) return group_norm(g.flatten(1));
  const Tensor tokens = g.square().sum(-1).sqrt();
  return norm == Norm::one_token ? tokens : tokens.sum(1, true);
}

// The cheapest points are clip(s u) with u = g (l2) or sign g (linf). Their gain is concave and
// piecewise linear in s: Newton again, from the solution without a box.
Tensor boxed_distance(const models::Threat& threat, const Tensor& clean, const Tensor& g,
                      const Tensor& margin) {
  const Tensor low = threat.box->low - clean, high = threat.box->high - clean;
  const Tensor u = threat.norm == Norm::linf ? g.sign() : g;
  const Tensor wanted = margin.unsqueeze(1);
  Tensor s = wanted / (g * u).sum(1, true);
  Tensor point;
  for (int iteration = 0; iteration < 16; ++iteration) {
    point = clip(s * u, low, high);
    const Tensor free = (point > low).logical_and(point < high);
    s = s + (wanted - (g * point).sum(1, true)) / (g * u * free).sum(1, true);
  }
  return threat.norm == Norm::linf ? point.abs().amax(1, true) : group_norm(point);
}

// How many entries of each group may move.
Tensor dimension(const Ball& ball) {
  const Tensor all = at::ones_like(ball.clean);
  return grouped(ball.threat, ball.movable.defined() ? all * ball.movable : all).sum(-1, true);
}

}  // namespace

Tensor per_row(const Tensor& value, const Tensor& like) {
  std::vector<int64_t> shape(static_cast<size_t>(like.dim()), 1);
  shape[0] = -1;
  return value.view(shape);
}

Tensor project(const Ball& ball, const Tensor& delta) {
  const Tensor d = ball.movable.defined() ? delta * ball.movable.to(delta.scalar_type()) : delta;
  return ball.threat.norm == Norm::linf ? project_linf(ball, d) : project_l2(ball, d);
}

int64_t draws_per_use(const Ball& ball) { return 4 * ball.clean[0].numel(); }

Tensor random_point(const Ball& ball, const Tensor& key) {
  const int64_t count = ball.clean[0].numel();
  if (ball.threat.norm == Norm::linf) {
    const Tensor cube = uniform(key, 0, count).view_as(ball.clean) * 2 - 1;
    return project(ball, cube * per_row(ball.eps.to(at::kFloat), cube));
  }
  Tensor direction = normal(key, 0, count).view_as(ball.clean);
  if (ball.movable.defined()) direction = direction * ball.movable;
  const Tensor v = grouped(ball.threat, direction);
  // Uniform in a ball of dimension k: the radius is U^(1/k).
  const Tensor u = uniform(key, 2 * count, v.size(1)).unsqueeze(-1);
  const Tensor radius =
      u.pow(1 / dimension(ball).clamp_min(1)) * ball.eps.to(at::kFloat).view({-1, 1, 1});
  const Tensor norm = group_norm(v);
  return project(ball, (v * (radius / at::where(norm > 0, norm, 1))).view_as(direction));
}

Tensor steepest(const Ball& ball, const Tensor& delta, const Tensor& gradient) {
  Tensor g = at::nan_to_num(gradient);
  if (ball.movable.defined()) g = g * ball.movable;
  if (ball.threat.box) {
    // What the box takes back must not use up the length of the step.
    const Tensor moved = ball.clean + delta;
    const Tensor shut =
        at::where(g > 0, moved >= highest(*ball.threat.box), moved <= lowest(*ball.threat.box));
    g = g.masked_fill(shut, 0);
  }
  if (ball.threat.norm == Norm::linf) return g.sign();
  // Squares of large or small gradients leave the range of fp32: scale to 1 first.
  const Tensor v = grouped(ball.threat, g), peak = v.abs().amax(-1, true);
  const Tensor scaled = v / at::where(peak > 0, peak, 1);
  return (scaled / group_norm(scaled).clamp_min(1)).view_as(gradient);
}

Tensor settle(const Ball& ball, const Tensor& delta) {
  Tensor d = delta.to(at::kDouble);
  const Tensor size = size_up(ball.threat, d);
  // 1e-9 is more than every rounding of these lines.
  const Tensor shrink = at::where(size > ball.eps, ball.eps * (1 - 1e-9) / size, 1.0);
  d = d * per_row(shrink, d);
  const Tensor clean = ball.clean.to(at::kDouble);
  Tensor moved = (clean + d).to(at::kFloat);
  const Tensor beyond = (moved.to(at::kDouble) - clean).abs() > d.abs();
  moved = at::where(beyond, at::nextafter(moved, ball.clean), moved);
  return ball.threat.box ? moved.clamp(lowest(*ball.threat.box), highest(*ball.threat.box)) : moved;
}

Tensor size_up(const models::Threat& threat, const Tensor& delta) {
  const double raise = 1 + static_cast<double>(delta[0].numel() + 8) * 0x1p-53;
  if (threat.norm == Norm::linf) return delta.abs().flatten(1).amax(1) * raise;
  const Tensor size = group_norm(grouped(threat, delta)).flatten(1).amax(1) * raise;
  if (threat.norm != Norm::one_token) return size;
  const Tensor moving = (delta != 0).any(-1).sum(-1);
  return at::where(moving > 1, kInfinity, size);
}

Tensor linear_distance(const models::Threat& threat, const Tensor& clean, const Tensor& gradient,
                       const Tensor& margin) {
  const Tensor g = at::nan_to_num(gradient.to(at::kDouble));
  const bool whole = threat.norm == Norm::l2 || threat.norm == Norm::linf;
  Tensor distance;
  if (threat.box && whole) {
    distance = boxed_distance(threat, clean.to(at::kDouble).flatten(1), g.flatten(1), margin);
  } else {
    distance = margin.unsqueeze(1) / dual_norm(threat.norm, g);
  }
  return at::where(distance.isfinite(), distance, kInfinity);
}

}  // namespace taut::attacks
