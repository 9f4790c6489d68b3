#pragma once

#include "models/network.hpp"

namespace taut::models {

// Largest |entry| of any layer's output, branches of residuals included, over the given inputs.
double largest_activation(const Network& network, const Tensor& input, int64_t batch = 256);

}  // namespace taut::models
