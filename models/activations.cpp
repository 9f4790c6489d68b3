#include "models/activations.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "models/forward.hpp"

namespace taut::models {
namespace {

// What a layer is given, before it is applied.
using Glance = std::function<void(const Layer& layer, const Tensor& x)>;

Tensor watched(const std::vector<Layer>& layers, size_t first, Tensor x, const Watch& watch,
               const Glance& glance) {
  for (size_t i = first; i < layers.size(); ++i) {
    if (glance) glance(layers[i], x);
    const auto* residual = std::get_if<Residual>(&layers[i].kind);
    const Tensor out = residual != nullptr
                           ? joined(*residual, x, watched(residual->branch, 0, x, watch, glance))
                           : apply(layers[i], x);
    x = watch(layers[i], out);
  }
  return x;
}

// The ranges of all batches, entered in the same order by each.
class Ranges {
 public:
  void next_batch() { at_ = 0; }
  void enter(const std::string& name, bool watched, const Tensor& out) {
    if (at_ == all_.size()) {
      all_.push_back({name, 0, 0, watched});
      squares_.push_back(0);
      entries_.push_back(0);
    }
    // Norms, which make no copies: logits of a large vocabulary are the largest tensor there is.
    const double largest =
        at::linalg_vector_norm(out, std::numeric_limits<double>::infinity()).item<double>();
    const double length =
        at::linalg_vector_norm(out, 2, std::nullopt, false, at::kDouble).item<double>();
    LayerRange& range = all_[at_];
    range.largest = std::isnan(largest) ? std::numeric_limits<double>::infinity()
                                        : std::max(range.largest, largest);
    squares_[at_] += length * length;
    entries_[at_] += static_cast<double>(out.numel());
    ++at_;
  }
  std::vector<LayerRange> finish() {
    for (size_t i = 0; i < all_.size(); ++i) all_[i].rms = std::sqrt(squares_[i] / entries_[i]);
    return std::move(all_);
  }

 private:
  std::vector<LayerRange> all_;
  std::vector<double> squares_, entries_;
  size_t at_ = 0;
};

}  // namespace

Tensor forward_watched(const Network& network, const Tensor& input, const Watch& watch) {
  return watched(network.layers, embeds(network) ? 1 : 0, injection(network, input), watch, {});
}

std::vector<LayerRange> activation_ranges(const Network& network, const Tensor& input,
                                          int64_t batch) {
  const at::NoGradGuard no_grad;
  Ranges ranges;
  const Watch watch = [&](const Layer& layer, const Tensor& out) {
    ranges.enter(layer.name, true, out);
    return out;
  };
  const Glance glance = [&](const Layer& layer, const Tensor& x) {
    const auto* attention = std::get_if<Attention>(&layer.kind);
    if (attention == nullptr) return;
    const Projections parts = projected(*attention, x);
    ranges.enter(layer.name + ".query", false, parts.query);
    ranges.enter(layer.name + ".key", false, parts.key);
    ranges.enter(layer.name + ".value", false, parts.value);
  };
  for (int64_t start = 0; start < input.size(0); start += batch) {
    ranges.next_batch();
    const Tensor injected =
        injection(network, input.narrow(0, start, std::min(batch, input.size(0) - start)));
    if (embeds(network)) ranges.enter(network.layers.front().name, false, injected);
    watched(network.layers, embeds(network) ? 1 : 0, injected, watch, glance);
  }
  return ranges.finish();
}

double largest_activation(const std::vector<LayerRange>& ranges) {
  double largest = 0;
  for (const LayerRange& range : ranges) largest = std::max(largest, range.largest);
  return largest;
}

}  // namespace taut::models
