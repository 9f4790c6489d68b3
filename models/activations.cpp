#include "models/activations.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/forward.hpp"

namespace taut::models {
namespace {

Tensor watched(const std::vector<Layer>& layers, size_t first, Tensor x, const Watch& watch) {
  for (size_t i = first; i < layers.size(); ++i) {
    const auto* residual = std::get_if<Residual>(&layers[i].kind);
    const Tensor out = residual != nullptr
                           ? joined(*residual, x, watched(residual->branch, 0, x, watch))
                           : apply(layers[i], x);
    x = watch(layers[i], out);
  }
  return x;
}

}  // namespace

Tensor forward_watched(const Network& network, const Tensor& input, const Watch& watch) {
  const size_t first = network.input.kind == InputKind::tokens ? 1 : 0;
  return watched(network.layers, first, injection(network, input), watch);
}

std::vector<LayerRange> activation_ranges(const Network& network, const Tensor& input,
                                          int64_t batch) {
  const at::NoGradGuard no_grad;
  std::vector<LayerRange> ranges;
  std::vector<double> squares, entries;
  size_t at = 0;
  const Watch watch = [&](const Layer& layer, const Tensor& out) {
    if (at == ranges.size()) {
      ranges.push_back({layer.name, 0, 0});
      squares.push_back(0);
      entries.push_back(0);
    }
    // Norms, which make no copies: logits of a large vocabulary are the largest tensor there is.
    const double largest =
        at::linalg_vector_norm(out, std::numeric_limits<double>::infinity()).item<double>();
    const double length =
        at::linalg_vector_norm(out, 2, std::nullopt, false, at::kDouble).item<double>();
    ranges[at].largest = std::isnan(largest) ? std::numeric_limits<double>::infinity()
                                             : std::max(ranges[at].largest, largest);
    squares[at] += length * length;
    entries[at] += static_cast<double>(out.numel());
    ++at;
    return out;
  };
  for (int64_t start = 0; start < input.size(0); start += batch) {
    at = 0;
    const int64_t count = std::min(batch, input.size(0) - start);
    forward_watched(network, input.narrow(0, start, count), watch);
  }
  for (size_t i = 0; i < ranges.size(); ++i) ranges[i].rms = std::sqrt(squares[i] / entries[i]);
  return ranges;
}

double largest_activation(const std::vector<LayerRange>& ranges) {
  double largest = 0;
  for (const LayerRange& range : ranges) largest = std::max(largest, range.largest);
  return largest;
}

}  // namespace taut::models
