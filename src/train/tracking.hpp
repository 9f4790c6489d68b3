#pragma once

#include <string>
#include <vector>

#include "models/activations.hpp"

namespace taut::train {

// One stored matrix, or one head of a stack: sigma is proved to lie in [lower, upper];
// stable rank ||W||_F^2 / sigma^2, with the upper end.
struct WeightRange {
  std::string path;
  int64_t block = 0;
  double lower = 0, upper = 0, stable_rank = 0;
};

// What layers and weights have come to, for the lines of metrics.
struct Tracking {
  std::vector<models::LayerRange> layers;
  std::vector<WeightRange> weights;
};

// On the given inputs.
Tracking track(const models::Network& network, const at::Tensor& input);

}  // namespace taut::train
