#pragma once

#include "models/network.hpp"

namespace taut::models {

// One layer on activations (batch, tokens, width); images and ids only where the kind says so.
Tensor apply(const Layer& layer, const Tensor& x);

// keep * x + add * branch, given what the branch has made of x.
Tensor joined(const Residual& residual, const Tensor& x, const Tensor& branch);

// (batch, heads, tokens, d_head) each, as they leave their matrices: before norms, clamps,
// rotations and the scale of the logits.
struct Projections {
  Tensor query, key, value;
};

Projections projected(const Attention& attention, const Tensor& x);

// Logits (batch, rows, classes) of pixels or token ids. Computed in the dtype of the weights.
Tensor forward(const Network& network, const Tensor& input);

// Whether the first layer makes tokens of ids. Threats start behind it.
bool embeds(const Network& network);

// The tensor that a threat moves: the pixels themselves, or the embedded tokens (batch, tokens,
// width) right after the embedding table. Converted to the dtype of the weights.
Tensor injection(const Network& network, const Tensor& input);

// The rest of the network after the injection point.
Tensor forward_injected(const Network& network, const Tensor& injected);

// Throws Error naming the first mismatch: shape, dtype, a value outside the declared box (with min
// and max) or a token id outside the vocabulary.
void check_input(const InputSpec& spec, const Tensor& input);

// Dtype of the first floating point tensor.
at::ScalarType dtype_of(const Network& network);
// That of its tensors; the CPU without any.
at::Device device_of(const Network& network);

}  // namespace taut::models
