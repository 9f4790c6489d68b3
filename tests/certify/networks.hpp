#pragma once

#include <ATen/ATen.h>

#include <cmath>

#include "models/models.hpp"

// Small random networks in double, for sampling what the rules claim to bound.
namespace taut::test {

using at::Tensor;

inline Tensor normal(at::IntArrayRef shape, at::Generator& generator, double deviation = 1) {
  return at::randn(shape, generator, at::kDouble) * deviation;
}

struct AttentionShape {
  int64_t heads = 2, d_head = 3, width = 6, tokens = 5;
  bool causal = false, biases = false, position_bias = false, rotary = false;
  double query_key_eps = 0, query_key_clamp = 0;
  double scale = 1, weight = 0.5;
};

inline models::Attention attention(const AttentionShape& s, at::Generator& g) {
  models::Attention a;
  a.query = normal({s.heads, s.d_head, s.width}, g, s.weight);
  a.key = normal({s.heads, s.d_head, s.width}, g, s.weight);
  a.value = normal({s.heads, s.d_head, s.width}, g, s.weight);
  a.output = normal({s.width, s.heads * s.d_head}, g, s.weight);
  if (s.biases) {
    a.query_bias = normal({s.heads, s.d_head}, g);
    a.key_bias = normal({s.heads, s.d_head}, g);
    a.value_bias = normal({s.heads, s.d_head}, g);
    a.output_bias = normal({s.width}, g);
  }
  if (s.position_bias) a.position_bias = normal({s.heads, s.tokens}, g, 2);
  // Any angles, and pairs that grow by up to a quarter: what a stored table may do.
  if (s.rotary) {
    const Tensor angle = normal({s.tokens, s.d_head / 2}, g, 3);
    const Tensor length = 1 + at::rand({s.tokens, s.d_head / 2}, g, at::kDouble) / 4;
    a.rotary = at::stack({length * angle.cos(), length * angle.sin()}, -1);
  }
  a.query_key_eps = s.query_key_eps;
  a.query_key_clamp = s.query_key_clamp;
  a.causal = s.causal;
  a.logit_scale = s.scale;
  a.gain = 0.7;
  return a;
}

// A network that only holds the layer, so that Norms can measure it.
inline models::Network alone(models::Kind kind) {
  models::Network network;
  network.layers.push_back({"layer", std::move(kind)});
  return network;
}

// Tokens (batch, n, d) of norm at most `size`, many of them on the sphere.
inline Tensor tokens(int64_t n, int64_t d, double size, at::Generator& g, int64_t batch = 1) {
  const Tensor direction = normal({batch, n, d}, g);
  const Tensor radius = at::rand({batch, n, 1}, g, at::kDouble).mul(2).clamp_max(1);
  // One ulp inside, so that rounding does not leave the ball.
  return direction / direction.norm(2, -1, true) * radius * (size * (1 - 1e-15));
}

// A small image classifier or character model of each style, with weights large enough that the
// rules are put to work.
inline models::Network small_vit(const std::string& style, at::Generator g, int64_t side = 4) {
  models::Architecture a;
  a.name = "vit";
  a.style = style;
  a.width = 8;
  a.heads = 2;
  a.patch = 2;
  a.expansion = 2;
  a.output_scale = 3;
  models::InputSpec input;
  input.channels = 1;
  input.height = input.width = side;
  models::Network network = models::build(a, input, 3, g);
  // Zero-initialised outputs would hide the branches.
  models::for_each_tensor(network, [&](const std::string&, Tensor& w, models::Role role) {
    if (role == models::Role::output || role == models::Role::hidden) {
      w = w + at::randn(w.sizes(), g, at::kFloat) * 0.2;
    }
  });
  return network;
}

inline models::Network small_gpt(const std::string& style, at::Generator g, int64_t context = 6) {
  models::Architecture a;
  a.name = "gpt";
  a.style = style;
  a.width = 8;
  a.heads = 2;
  a.expansion = 2;
  a.clamp = 0;
  a.output_scale = 3;
  models::InputSpec input;
  input.kind = models::InputKind::tokens;
  input.context = context;
  input.vocabulary = 7;
  models::Network network = models::build(a, input, 7, g);
  models::for_each_tensor(network, [&](const std::string&, Tensor& w, models::Role role) {
    if (role == models::Role::output || role == models::Role::hidden) {
      w = w + at::randn(w.sizes(), g, at::kFloat) * 0.2;
    }
  });
  return network;
}

}  // namespace taut::test
