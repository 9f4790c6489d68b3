#include "attacks/aims.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <limits>

#include "attacks/ball.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;

constexpr int64_t kAims = 9;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// (rows, rivals, choices) double: linearised distance to each rival, by each choice of the token.
Tensor distances(const Subject& subject, const Tensor& injected, const Tensor& logits,
                 const Tensor& label, const Tensor& rivals) {
  std::vector<Tensor> all;
  for (int64_t k = 0; k < rivals.size(1); ++k) {
    const Tensor lead =
        (logits.gather(1, label.unsqueeze(1)) - logits.gather(1, rivals.narrow(1, k, 1)));
    const Tensor g = torch::autograd::grad({lead.sum()}, {injected}, {}, /*retain_graph=*/true)[0];
    const Tensor margin = lead.detach().to(at::kDouble).squeeze(1).clamp_min(0);
    all.push_back(linear_distance(subject.threat, injected.detach(), -g, margin));
  }
  return at::stack(all, 1);
}

}  // namespace

Aims take_aim(const Subject& subject, const Rows& rows) {
  const c10::AutoGradMode grad_on(true);
  const Tensor injected =
      models::injection(subject.deployed, rows.input).detach().requires_grad_(true);
  const Tensor logits = row_logits(subject.deployed, injected, rows.position);
  const Tensor masked = logits.detach().scatter(1, rows.label.unsqueeze(1), -kInfinity);
  const Tensor rivals = std::get<1>(masked.topk(std::min(kAims, logits.size(1) - 1), 1));
  const Tensor distance = distances(subject, injected, logits, rows.label, rivals);

  Aims aims;
  aims.gradients = rivals.numel();
  aims.distance = distance.flatten(1).amin(1);
  if (subject.threat.norm == models::Norm::one_token) {
    const auto [nearest, rival] = distance.min(1);  // (rows, tokens)
    const Tensor order =
        nearest.argsort(/*stable=*/true, 1).narrow(1, 0, std::min(kAims, nearest.size(1)));
    aims.token = order;
    aims.target = rivals.gather(1, rival.gather(1, order));
  } else {
    aims.target = rivals.gather(1, distance.squeeze(2).argsort(/*stable=*/true, 1));
  }
  return aims;
}

}  // namespace taut::attacks
