#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "attacks/campaign.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;
using models::Norm;

constexpr double kGrowth = 2;
constexpr double kFinest = 1e-3;  // relative width at which bisection of a row ends
constexpr int64_t kGrowRounds =
    64;  // more than doubling takes from limit / 4096; keeps draws apart

double search_limit(const Campaign& c) {
  if (c.options.search_limit > 0) return c.options.search_limit;
  const models::Network& network = c.subject.deployed;
  if (network.input.kind == models::InputKind::tokens) {
    // Far enough to turn any token into any other: two norms; and room beyond that.
    const auto& table = std::get<models::Embedding>(network.layers.front().kind).table;
    const double largest = table.square().sum(1).max().item<double>();
    return largest > 0 ? 4 * std::sqrt(largest) : 1;
  }
  const models::Box box =
      c.subject.threat.box.value_or(models::Box{network.input.low, network.input.high});
  const auto entries = static_cast<double>(c.found.adversarial[0].numel());
  return (box.high - box.low) * (c.subject.threat.norm == Norm::linf ? 1 : std::sqrt(entries));
}

// Where random starts lie, relative to eps. On a linear model PGD turns a start on the sphere into
// tanh(2.5) = 0.987 of what it could gain: too little to tell the last percent of a radius.
constexpr double kSpread = 0.1;

// All attempts at one size each: from the best so far by the loss, then at the nearest aims from
// random points. A row that breaks is left alone.
void strike(Campaign& c, const Tensor& among, const Tensor& eps, int64_t round) {
  const int64_t least = c.subject.threat.norm == Norm::one_token ? 4 : 2;
  const int64_t attempts = std::max(c.options.restarts, least);
  for (int64_t a = 0; a < attempts; ++a) {
    const int64_t counter = c.options.restarts + round * attempts + a;
    attempt(c, among, eps, {a == 0, kSpread, a - 1, static_cast<uint64_t>(counter)});
  }
}

// Largest size that failed, 0 where the first succeeded.
Tensor grow(Campaign& c) {
  const double limit = search_limit(c);
  // A little beyond the distance at which the linearised margin is used up.
  Tensor eps = at::where(c.aims.distance.isfinite(), c.aims.distance * 1.1, limit / 64)
                   .clamp(limit / 4096, limit);
  Tensor failed_at = at::zeros_like(eps);
  Tensor open = c.attackable.logical_and(c.found.radius.isinf());
  for (int64_t round = 0; open.any().item<bool>(); ++round) {
    c.progress.show(fmt::format("attack, {}: growing eps on {} rows",
                                models::describe(c.subject.threat), open.sum().item<int64_t>()));
    strike(c, open, eps, round);
    const Tensor failed = open.logical_and(c.found.radius > eps);
    failed_at = at::where(failed, eps, failed_at);
    open = failed.logical_and(eps < limit);
    eps = at::where(open, (eps * kGrowth).clamp_max(limit), eps);
  }
  return failed_at;
}

}  // namespace

void search_radius(Campaign& c) {
  Tensor low = grow(c);
  for (int64_t round = 0; round < c.options.search; ++round) {
    c.progress.show(fmt::format("attack, {}: bisection {} of {}",
                                models::describe(c.subject.threat), round + 1, c.options.search));
    // A radius below a size that failed shows that the failure meant little.
    low = at::where(c.found.radius <= low, c.found.radius / 2, low);
    const Tensor middle = (low + c.found.radius) / 2;
    const Tensor among = c.attackable.logical_and(c.found.radius.isfinite())
                             .logical_and(c.found.radius - low > kFinest * c.found.radius);
    strike(c, among, middle, kGrowRounds + round);
    low = at::where(among.logical_and(c.found.radius > middle), middle, low);
  }
}

}  // namespace taut::attacks
