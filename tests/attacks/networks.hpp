#pragma once

#include <ATen/ATen.h>

#include "attacks/attacks.hpp"
#include "src/core/core.hpp"

// Networks by hand, with minimal radii that have a closed form.
namespace taut::test {

using at::Tensor;

inline const bool kQuiet = (set_talkative(false), true);
constexpr double kFar = std::numeric_limits<double>::infinity();

inline at::Generator generator(uint64_t seed) { return make_generator(seed); }

inline models::InputSpec pixels(int64_t height, int64_t width) {
  models::InputSpec spec;
  spec.channels = 1;
  spec.height = height;
  spec.width = width;
  return spec;
}

inline models::InputSpec tokens(int64_t context, int64_t vocabulary) {
  models::InputSpec spec;
  spec.kind = models::InputKind::tokens;
  spec.context = context;
  spec.vocabulary = vocabulary;
  return spec;
}

// logits = weight x + bias on images of height x width; weight (classes, height * width).
inline models::Network linear_network(const Tensor& weight, const Tensor& bias, int64_t height,
                                      int64_t width) {
  return {pixels(height, width),
          {{"patches", models::Patchify{0}}, {"head", models::Linear{weight, bias}}}};
}

inline models::Network mlp(int64_t side, int64_t hidden, int64_t classes, uint64_t seed) {
  const at::Generator g = generator(seed);
  const double scale = 1.0 / static_cast<double>(side);
  return {pixels(side, side),
          {{"patches", models::Patchify{0}},
           {"up", models::Linear{at::randn({hidden, side * side}, g) * scale,
                                 at::randn({hidden}, g) * 0.1}},
           {"curve", models::Activation{models::Curve::gelu}},
           {"head", models::Linear{at::randn({classes, hidden}, g) * 0.2, at::Tensor()}}}};
}

// z_0 = fl(2^24 + 4 x) - 2^24 in fp32, which moves in steps of 2, against z_1 = 0.5. From x = 0.3
// the program flips at x = 0.25, the reals at x = 0.125.
inline models::Network staircase() {
  return {pixels(1, 1),
          {{"patches", models::Patchify{0}},
           {"up", models::Linear{at::full({1, 1}, 4.0), at::full({1}, 0x1p24)}},
           {"head",
            models::Linear{at::tensor({1.0f, 0.0f}).view({2, 1}), at::tensor({-0x1p24f, 0.5f})}}}};
}

// Causal: logits_i = weight (x_i + V sum_t p_it x_t) with p_i = softmax(bias[i - t]) over t <= i,
// since query and key are zero.
struct Causal {
  models::Network network;
  Tensor table, value, mix, weight;  // (vocabulary, d), (d, d), (tokens, tokens), (classes, d)
};

inline Causal causal_network(int64_t context, int64_t width, int64_t vocabulary, uint64_t seed) {
  const at::Generator g = generator(seed);
  const Tensor table = at::randn({vocabulary, width}, g),
               value = at::randn({width, width}, g) * 0.5;
  const Tensor bias = at::randn({1, context}, g), weight = at::randn({vocabulary, width}, g);
  models::Attention attention;
  attention.query = attention.key = at::zeros({1, width, width});
  attention.value = value.unsqueeze(0);
  attention.output = at::eye(width);
  attention.position_bias = bias;
  attention.causal = true;
  models::Residual residual;
  residual.branch.push_back({"attention", attention});
  const Tensor i = at::arange(context);
  const Tensor distance = i.unsqueeze(1) - i.unsqueeze(0);
  const Tensor logits = bias[0]
                            .to(at::kDouble)
                            .index_select(0, distance.clamp_min(0).flatten())
                            .view({context, context});
  const Tensor mix = logits.masked_fill(distance < 0, -kFar).softmax(1);
  return {{tokens(context, vocabulary),
           {{"embedding", models::Embedding{table}},
            {"block", residual},
            {"head", models::Linear{weight, {}}}}},
          table,
          value,
          mix,
          weight};
}

// One row per image, labelled with what the network predicts.
inline attacks::Rows image_rows(const models::Network& network, const Tensor& images) {
  const int64_t n = images.size(0);
  const Tensor logits = models::forward(network, images).select(1, 0);
  return {images, at::arange(n), at::zeros({n}, at::kLong), logits.argmax(1)};
}

// Every position of every sequence, labelled with what the network predicts there.
inline attacks::Rows token_rows(const models::Network& network, const Tensor& ids) {
  const Tensor predicted = models::forward(network, ids).argmax(2);
  const int64_t n = ids.size(0), rows = predicted.size(1);
  return {ids.repeat_interleave(rows, 0), at::arange(n).repeat_interleave(rows),
          at::arange(rows).repeat({n}), predicted.flatten()};
}

inline models::Threat free_threat(models::Space space, models::Norm norm) {
  return {space, norm, std::nullopt};
}

}  // namespace taut::test
