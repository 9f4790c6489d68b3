#pragma once

#include "models/network.hpp"

namespace taut::models {

// Throws Error unless the network can run on its input: every layer's shapes fit the width and the
// tokens that reach it, all tensors have one floating point type and only finite values, numbers
// and enums lie in their ranges. The text names the layer or tensor: "blocks.0.mlp.up.weight holds
// NaN".
void check(const Network& network);

}  // namespace taut::models
