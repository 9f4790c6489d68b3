#include "certify/radius.hpp"

#include <ATen/ATen.h>

namespace taut::certify {
namespace {

constexpr double kUnit = 0x1p-53;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// One factor for a handful of roundings to nearest, outward.
constexpr double kUp = 1 + 0x1p-48, kDown = 1 - 0x1p-48;

}  // namespace

at::Tensor row_distances(const models::Linear& head, int64_t winner) {
  const at::Tensor rows = head.weight.detach().to(at::kDouble);
  const at::Tensor squares = (rows[winner] - rows).square().sum(1);
  // Each difference errs by u, its square by 3 u, the sum by gamma_k; an underflow loses at most
  // the smallest normal number.
  const Upper slack = Upper(1) + gamma(2 * rows.size(1) + 12, kUnit);
  const double floor = static_cast<double>(rows.size(1)) * std::numeric_limits<double>::min();
  at::Tensor lengths = (squares * slack.value() + floor).sqrt() * (std::abs(head.gain) * kUp);
  // Equal rows, bit for bit, are at distance zero.
  return lengths.masked_fill((rows == rows[winner]).all(1), 0.0);
}

at::Tensor margins_below(const at::Tensor& logits, int64_t winner, Upper error) {
  const at::Tensor differences = logits.select(1, winner).unsqueeze(1) - logits;
  // (1, -1) has length sqrt(2): two logits of one row err together by at most sqrt(2) error.
  const double doubt = (Upper(1.41421357) * error).value();
  at::Tensor below = differences - differences.abs() * (4 * kUnit) - doubt;
  below.select(1, winner).fill_(kInfinity);
  return below;
}

at::Tensor radii(const at::Tensor& margins, const at::Tensor& distances,
                 const std::vector<Promise>& promises) {
  at::Tensor best = at::zeros({margins.size(0)}, margins.options());
  for (const Promise& promise : promises) {
    if (!promise.constant.finite() || !promise.allowance.finite()) continue;
    const at::Tensor room = margins * kDown - promise.allowance.value();
    const at::Tensor cost = (distances * (promise.constant.value() * kUp)).unsqueeze(0);
    // A rival at no cost is beaten for ever (room > 0) or not at all.
    at::Tensor quotient = (room / cost * kDown).masked_fill(room.isposinf(), kInfinity);
    quotient = at::where(room > 0, quotient, at::zeros_like(quotient));
    const at::Tensor radius = quotient.amin(1).clamp(0, promise.eps);
    best = at::maximum(best, at::where(radius.isnan(), at::zeros_like(radius), radius));
  }
  return best;
}

}  // namespace taut::certify
