#include "certify/state.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "src/core/core.hpp"

namespace taut::certify {
namespace {

using namespace models;

// The three norms bound each other: max <= frobenius <= sum, frobenius <= sqrt(n) max, sum <=
// sqrt(n) frobenius. Each keeps the least that is proved.
State tightened(State s) {
  const Upper root = Upper::square_root(static_cast<double>(s.shape.tokens));
  s.max = min(s.max, s.frobenius);
  s.frobenius = min(min(s.frobenius, s.sum), root * s.max);
  s.max = min(s.max, s.frobenius);
  s.sum = min(s.sum, root * s.frobenius);
  return s;
}

int64_t width_after(const Linear& l, int64_t) { return l.weight.size(0); }
template <class L>
int64_t width_after(const L&, int64_t width) {
  return width;
}
int64_t tokens_after(const Pool&, int64_t) { return 1; }
int64_t tokens_after(const Select&, int64_t) { return 1; }
int64_t tokens_after(const Prepend& l, int64_t tokens) { return tokens + l.tokens.size(0); }
template <class L>
int64_t tokens_after(const L&, int64_t tokens) {
  return tokens;
}

// The computed input lies within `error` of the real one, so both have norm at most size + error:
// the layer's own rounding and its stretch of that error are those of the larger ball.
template <class L>
State through(const L& l, const Norms& norms, State in, Precision precision) {
  const Effect e = effect(l, norms, in.shape, in.size);
  const Upper wide = in.size + in.error;
  State out = in;
  out.error = effect(l, norms, in.shape, wide).max * in.error +
              rounding(l, norms, in.shape, wide, precision);
  out.shape = {tokens_after(l, in.shape.tokens), width_after(l, in.shape.width)};
  out.size = e.size;
  out.max = e.max * in.max;
  out.frobenius = e.frobenius * in.frobenius;
  out.sum = e.sum * in.sum;
  const Upper limit(precision.largest);
  if (!(wide <= limit) || !(out.size + out.error <= limit)) out.error = Upper::infinity();
  return tightened(out);
}

// (x - m) / s per channel: differences grow by 1 / s, the interval moves with the values. Two
// rounded operations per pixel.
State through(const PixelNormalize& l, const Norms&, State in, Precision precision) {
  const at::Tensor mean = l.mean.to(at::kDouble), deviation = l.std.to(at::kDouble);
  double low = std::numeric_limits<double>::infinity(), high = -low;
  Upper steepest;
  for (int64_t c = 0; c < mean.numel(); ++c) {
    const double m = mean[c].item<double>(), s = deviation[c].item<double>();
    low = std::min(low, next_down(next_down(in.low - m) / s));
    high = std::max(high, next_up(next_up(in.high - m) / s));
    steepest = max(steepest, Upper(1) / s);
  }
  State out = in;
  out.low = low;
  out.high = high;
  out.max = out.sum = out.frobenius = in.frobenius * steepest;
  out.entry_change = in.entry_change * steepest;
  const Upper entry = max(Upper(low), Upper(high));
  const Upper pixels = Upper::square_root(static_cast<double>(in.shape.width));
  out.size = entry * pixels;
  out.error = steepest * in.error + gamma(3, precision.unit) * entry * pixels +
              Upper(2 * precision.smallest) * (Upper(1) + steepest) * pixels;
  return out;
}

// Patches do not overlap: a token of q pixels changes by at most the image's l2 change and by
// sqrt(q) times the largest entry change.
State through(const Patchify& l, const Norms&, State in, Precision) {
  // shape.width is the number of pixels of the image until here, channels included.
  const int64_t pixels = in.shape.width;
  State out = in;
  const int64_t tokens = l.patch == 0 ? 1 : in.shape.tokens / (l.patch * l.patch);
  out.shape = {tokens, pixels / tokens};
  const Upper root = Upper::square_root(static_cast<double>(out.shape.width));
  const Upper n = Upper(static_cast<double>(tokens));
  out.size = root * max(Upper(in.low), Upper(in.high));
  out.max = min(in.frobenius, root * in.entry_change);
  out.sum = n * out.max;
  return tightened(out);
}

// Table rows are the clean tokens; injected() starts behind this layer.
State through(const Embedding&, const Norms&, State in, Precision) { return in; }

// keep x + add f(x): differences and norms add up; so do errors, and the last sum is rounded.
State through(const Residual& l, const Norms& norms, State in, Precision precision) {
  State branch = in;
  for (const Layer& layer : l.branch) branch = certify::through(layer, norms, branch, precision);
  const Upper keep(l.keep), add(l.add);
  State out = branch;
  out.size = keep * in.size + add * branch.size;
  out.max = keep * in.max + add * branch.max;
  out.frobenius = keep * in.frobenius + add * branch.frobenius;
  out.sum = keep * in.sum + add * branch.sum;
  out.error =
      keep * in.error + add * branch.error +
      gamma(3, precision.unit) *
          (keep * (in.size + in.error) + add * (branch.size + branch.error)) +
      Upper(3 * precision.smallest) * Upper::square_root(static_cast<double>(in.shape.width));
  if (!holds(l.keep, precision) || !holds(l.add, precision)) out.error = Upper::infinity();
  return tightened(out);
}

State injected_pixels(const Network& network, const Threat& threat, double eps) {
  const InputSpec& input = network.input;
  // Clean pixels must lie where N is computed, as the perturbed ones do.
  require(!threat.box || (threat.box->low <= input.low && threat.box->high >= input.high),
          "the threat's box [{}, {}] does not hold the network's pixels [{}, {}]",
          threat.box ? threat.box->low : 0, threat.box ? threat.box->high : 0, input.low,
          input.high);
  State s;
  s.low = threat.box ? threat.box->low : next_down(input.low - eps);
  s.high = threat.box ? threat.box->high : next_up(input.high + eps);
  s.shape = {input.height * input.width, input.channels * input.height * input.width};
  const Upper pixels = Upper::square_root(static_cast<double>(s.shape.width));
  const bool linf = threat.norm == Norm::linf;
  require(linf || threat.norm == Norm::l2, "no rule for '{}' on pixels", threat_name(threat));
  s.entry_change = Upper(1);
  s.frobenius = linf ? pixels : Upper(1);
  s.max = s.sum = s.frobenius;
  return s;
}

// The perturbed token leaves the table: its norm is at most the longest row plus eps.
State injected_embedding(const Network& network, const Norms& norms, const Threat& threat,
                         double eps) {
  require(!threat.box, "no rule for a box on embeddings");
  const auto& embedding = std::get<Embedding>(network.layers.front().kind);
  State s;
  s.shape = {network.input.context, embedding.table.size(1)};
  s.size = norms.longest_row(embedding.table) + Upper(eps);
  s.max = Upper(1);
  const auto n = static_cast<double>(s.shape.tokens);
  switch (threat.norm) {
    case Norm::every_token:
      s.frobenius = Upper::square_root(n);
      s.sum = Upper(n);
      break;
    case Norm::one_token:
      s.frobenius = s.sum = Upper(1);
      break;
    case Norm::l2:
      s.frobenius = Upper(1);
      s.sum = Upper::square_root(n);
      break;
    case Norm::linf:
      fail("no rule for 'linf' on embeddings");
  }
  return s;
}

}  // namespace

State through(const Layer& layer, const Norms& norms, State in, Precision precision) {
  return std::visit([&](const auto& kind) { return through(kind, norms, in, precision); },
                    layer.kind);
}

State injected(const Network& network, const Norms& norms, const Threat& threat, double eps) {
  const bool pixels = network.input.kind == InputKind::pixels;
  require((threat.space == Space::pixels) == pixels,
          "a threat on {} against a network that reads {}",
          threat.space == Space::pixels ? "pixels" : "embeddings", pixels ? "pixels" : "tokens");
  return threat.space == Space::pixels ? injected_pixels(network, threat, eps)
                                       : injected_embedding(network, norms, threat, eps);
}

Ends propagate(const Network& network, const Norms& norms, const Threat& threat, double eps,
               Precision precision) {
  head_of(network);
  const size_t head = head_index(network);
  Ends ends;
  State s = injected(network, norms, threat, eps);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    if (i == head) ends.hidden = s;
    s = through(network.layers[i], norms, s, precision);
    if (i == head) ends.logits = s;
  }
  ends.output = s;
  return ends;
}

namespace {

void add_norms(const std::vector<Layer>& layers, const Norms& norms, State s,
               std::vector<Upper>& sizes) {
  for (const Layer& layer : layers) {
    if (const auto* residual = std::get_if<Residual>(&layer.kind)) {
      add_norms(residual->branch, norms, s, sizes);
    }
    s = through(layer, norms, s, kFloat32);
    if (!std::holds_alternative<Embedding>(layer.kind)) sizes.push_back(s.size);
  }
}

}  // namespace

std::vector<Upper> token_norms(const Network& network, const Norms& norms, const Threat& threat) {
  std::vector<Upper> sizes;
  add_norms(network.layers, norms, injected(network, norms, threat, 0), sizes);
  return sizes;
}

std::vector<LayerTrace> trace(const Network& network, const Norms& norms, const Threat& threat,
                              double eps) {
  std::vector<LayerTrace> layers;
  State s = injected(network, norms, threat, eps);
  for (const Layer& layer : network.layers) {
    s = through(layer, norms, s, kFloat32);
    layers.push_back({layer.name, kind_name(layer.kind), s});
  }
  return layers;
}

}  // namespace taut::certify
