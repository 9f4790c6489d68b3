#include "attacks/subject.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "src/core/core.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;
using models::Norm;
using models::Space;

bool looks_back_only(const std::vector<models::Layer>& layers) {
  return std::all_of(layers.begin(), layers.end(), [](const models::Layer& layer) {
    // These give rows other numbers than their tokens had.
    if (std::holds_alternative<models::Pool>(layer.kind) ||
        std::holds_alternative<models::Prepend>(layer.kind) ||
        std::holds_alternative<models::Select>(layer.kind)) {
      return false;
    }
    if (const auto* a = std::get_if<models::Attention>(&layer.kind)) return a->causal;
    if (const auto* r = std::get_if<models::Residual>(&layer.kind))
      return looks_back_only(r->branch);
    return true;
  });
}

}  // namespace

Subject make_subject(const models::Network& network, const models::Threat& threat) {
  const bool embeds = network.input.kind == models::InputKind::tokens;
  const bool by_token = threat.norm == Norm::every_token || threat.norm == Norm::one_token;
  require(embeds == (threat.space == Space::embedding) && (embeds || !by_token),
          "expected a threat on {}, got {}", embeds ? "embeddings" : "pixels",
          models::describe(threat));
  return {models::converted(network, at::kFloat),
          models::without_logit_cap(models::converted(network, at::kDouble)), threat,
          models::device_of(network), embeds && looks_back_only(network.layers)};
}

Tensor row_logits(const models::Network& network, const Tensor& injected, const Tensor& position) {
  const Tensor logits = models::forward_injected(network, injected);
  const Tensor index = position.view({-1, 1, 1}).expand({-1, 1, logits.size(2)});
  return logits.gather(1, index).squeeze(1);
}

Rows select(const Rows& rows, const Tensor& index, at::Device device) {
  const auto pick = [&](const Tensor& t) {
    return t.index_select(0, index.to(t.device())).to(device);
  };
  return {pick(rows.input), pick(rows.example), pick(rows.position), pick(rows.label)};
}

}  // namespace taut::attacks
