#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/network.hpp"

namespace taut::models {

// What a layer's output (batch, tokens, width) is replaced by; layers by name, branches of
// residuals before the residual itself. A threat's injection point counts as no layer.
using Watch = std::function<Tensor(const Layer& layer, const Tensor& out)>;

// The logits of forward() with `watch` between the layers.
Tensor forward_watched(const Network& network, const Tensor& input, const Watch& watch);

// Entries of one layer's output over some inputs.
struct LayerRange {
  std::string name;
  double largest = 0, rms = 0;  // |entry|; infinity where one is NaN
  bool watched = true;          // by forward_watched
};

// Every layer in the order of the forward pass; besides what forward_watched shows the embedding,
// and before an attention its query, key and value as they leave their matrices.
std::vector<LayerRange> activation_ranges(const Network& network, const Tensor& input,
                                          int64_t batch = 256);

// Largest |entry| of all of them; infinity for NaN.
double largest_activation(const std::vector<LayerRange>& ranges);

}  // namespace taut::models
