#pragma once

#include "certify/norms.hpp"
#include "models/network.hpp"

namespace taut::certify {

// Logits of clean inputs, as they leave the head, in fp64 and how far any row of them can lie (l2)
// from real arithmetic. The error follows the sizes that the data really have, so a layer norm
// costs its actual deviation and not 1 / sqrt(eps).
struct Evaluated {
  at::Tensor logits;  // (batch, rows, classes) double
  Upper error;
};

// `norms` are those of `network`; `input` as models::forward takes it.
Evaluated evaluate(const models::Network& network, const Norms& norms, const at::Tensor& input);

}  // namespace taut::certify
