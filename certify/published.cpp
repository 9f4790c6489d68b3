#include "certify/published.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "certify/certify.hpp"

namespace taut::certify {
namespace {

using models::Attention, models::Layer, models::Network;

bool covered(const std::vector<Layer>& layers);

struct Covered {
  bool operator()(const models::Normalize&) const { return false; }
  bool operator()(const models::Pool&) const { return false; }
  bool operator()(const models::Linear& l) const { return !l.bias.defined(); }
  bool operator()(const models::Residual& l) const { return covered(l.branch); }
  bool operator()(const Attention& l) const {
    const bool biased = l.query_bias.defined() || l.key_bias.defined() || l.value_bias.defined() ||
                        l.output_bias.defined();
    return !biased && l.query_key_eps == 0 && l.query_key_clamp == 0;
  }
  template <class Kind>
  bool operator()(const Kind&) const {
    return true;
  }
};

bool covered(const std::vector<Layer>& layers) {
  return std::all_of(layers.begin(), layers.end(),
                     [](const Layer& layer) { return std::visit(Covered{}, layer.kind); });
}

at::Tensor stacked(const at::Tensor& heads) { return heads.flatten(0, 1).unsqueeze(0); }

// One head as wide as all: our rule for it, w_O (w_V + 2 s w_V w_Q w_K a^2) with a the tokens' RMS,
// is the published one. Positions turn queries and keys and add to logits, of which it does not
// speak.
void fuse(std::vector<Layer>& layers) {
  for (Layer& layer : layers) {
    if (auto* const residual = std::get_if<models::Residual>(&layer.kind)) fuse(residual->branch);
    auto* const l = std::get_if<Attention>(&layer.kind);
    if (l == nullptr) continue;
    for (at::Tensor* t : {&l->query, &l->key, &l->value}) *t = stacked(*t);
    l->rotary = at::Tensor();
    l->position_bias = at::Tensor();
  }
}

}  // namespace

double published_log10_constant(const Network& network, const models::Threat& threat) {
  if (!covered(network.layers)) return std::numeric_limits<double>::quiet_NaN();
  const at::NoGradGuard no_grad;
  Network one_head = network;
  fuse(one_head.layers);
  return log10_constant(one_head, threat);
}

}  // namespace taut::certify
