#pragma once

#include <string>
#include <vector>

#include "certify/norms.hpp"
#include "models/activations.hpp"

namespace taut::train {

// One stored matrix, or one head of a stack: sigma is proved to lie in [lower, upper];
// stable rank ||W||_F^2 / sigma^2, with the upper end.
struct WeightRange {
  std::string path;
  int64_t block = 0;
  double lower = 0, upper = 0, stable_rank = 0;
};

// log10 of K for the first threat of the network's input.
double default_bound(const models::Network& network, const certify::Norms& norms);

// What bound, layers and weights have come to, for the lines of metrics.
struct Tracking {
  double log10_bound = 0;  // default_bound
  std::vector<models::LayerRange> layers;
  std::vector<WeightRange> weights;
};

// Layers on the given inputs, on the network's device; proofs on the CPU. Error names a weight that
// holds NaN or infinity.
Tracking track(const models::Network& network, const at::Tensor& input);

}  // namespace taut::train
