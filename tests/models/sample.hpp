#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstring>

#include "models/fields.hpp"
#include "models/models.hpp"
#include "src/core/core.hpp"
#include "tests/support.hpp"

// Small networks that use every layer kind, and comparison bit for bit.
namespace taut::test {

using namespace taut::models;

inline Tensor draw(at::IntArrayRef sizes, at::Generator& g) { return at::randn(sizes, g); }

inline double at3(const Tensor& t, int64_t i, int64_t j, int64_t k) {
  return t[i][j][k].item<double>();
}

// Infinity for other shapes.
inline double largest_difference(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() ? (a - b).abs().max().item<double>() : INFINITY;
}

inline Attention sample_attention(at::Generator& g, bool causal, int64_t tokens) {
  Attention a;
  a.query = draw({2, 3, 6}, g);
  a.key = draw({2, 3, 6}, g);
  a.value = draw({2, 3, 6}, g);
  a.output = draw({6, 6}, g);
  a.output_bias = draw({6}, g);
  a.logit_scale = 0.7;
  a.gain = 1.25;
  a.causal = causal;
  if (causal) a.position_bias = draw({2, tokens}, g);
  if (!causal) a.query_bias = draw({2, 3}, g);
  return a;
}

inline std::vector<Layer> sample_blocks(at::Generator& g, bool causal, int64_t tokens) {
  Residual attend{0.75, 0.25, {}};
  attend.branch.push_back({"a.norm", Normalize{at::ones({6}), draw({6}, g), 1e-6, true}});
  attend.branch.push_back({"a.attention", sample_attention(g, causal, tokens)});
  Residual mlp{1, 0.5, {}};
  mlp.branch.push_back({"m.norm", Normalize{draw({6}, g), {}, 1e-5, false}});
  mlp.branch.push_back({"m.up", Linear{draw({8, 6}, g), draw({8}, g), 0.9}});
  mlp.branch.push_back({"m.curve", Activation{Curve::abs, 0.88}});
  mlp.branch.push_back({"m.down", Linear{draw({6, 8}, g), {}, 1}});
  mlp.branch.push_back({"m.clamp", BallClamp{1.5}});
  return {{"a", attend}, {"m", mlp}};
}

inline Network sample_images(at::Generator g = make_generator(1)) {
  Network n;
  n.input = {InputKind::pixels, 1, 4, 4, 0, 1, 0, 0};
  n.layers.push_back({"normalize", PixelNormalize{at::full({1}, 0.5), at::full({1}, 0.25)}});
  n.layers.push_back({"patchify", Patchify{2}});
  n.layers.push_back({"embed", Linear{draw({6, 4}, g), draw({6}, g), 1}});
  n.layers.push_back({"position", Position{draw({4, 6}, g)}});
  for (Layer& layer : sample_blocks(g, false, 4)) n.layers.push_back(layer);
  n.layers.push_back({"pool", Pool{}});
  n.layers.push_back({"head", Linear{draw({3, 6}, g), draw({3}, g), 2}});
  return n;
}

// The images again, with a class token that the head reads.
inline Network sample_class_token(at::Generator g = make_generator(3)) {
  Network n = sample_images(g);
  n.layers[3] = {"position", Position{draw({5, 6}, g)}};
  n.layers.insert(n.layers.begin() + 3, {"token", Prepend{draw({1, 6}, g)}});
  n.layers[n.layers.size() - 2] = {"select", Select{0}};
  n.layers.insert(n.layers.end() - 1, {"curve", Activation{Curve::tanh, 1}});
  n.layers.insert(n.layers.begin() + 5, {"type", Position{draw({1, 6}, g)}});
  return n;
}

inline Network sample_text(at::Generator g = make_generator(2)) {
  Network n;
  n.input = {InputKind::tokens, 0, 0, 0, 0, 1, 5, 7};
  n.layers.push_back({"embedding", Embedding{draw({7, 6}, g)}});
  n.layers.push_back({"position", Position{draw({5, 6}, g)}});
  for (Layer& layer : sample_blocks(g, true, 5)) n.layers.push_back(layer);
  n.layers.push_back({"head", Linear{draw({7, 6}, g), {}, 1}});
  return n;
}

// With all that queries and keys may go through, shifted tokens, squared ReLU and capped logits.
inline Network sample_capped_logits(at::Generator g = make_generator(4)) {
  Architecture a;
  a.name = "gpt";
  a.style = "standard";
  a.width = 8;
  a.heads = 2;
  a.blocks = 1;
  a.norm = "rms";
  a.activation = "relu_squared";
  a.query_key_norm = true;
  a.rotary = 100;
  a.logit_cap = 15;
  a.token_shift = 2;
  Network n = build(a, {InputKind::tokens, 0, 0, 0, 0, 1, 5, 7}, 7, g);
  auto& attend = std::get<Residual>(n.layers[1].kind);
  std::get<Attention>(attend.branch[2].kind).query_key_clamp = 0.9;
  for_each_tensor(n, [&](const std::string&, Tensor& w, Role role) {
    if (role == Role::output || role == Role::head) w = draw(w.sizes(), g);
  });
  return n;
}

// Type, shape and every byte; NaN equals itself.
inline bool same(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const Tensor x = a.contiguous(), y = b.contiguous();
  return x.nbytes() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
}

inline bool same(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// Collects the fields of a layer as comparable values.
struct FieldList {
  std::vector<Tensor> tensors;
  std::vector<double> numbers;
  void operator()(const char*, Tensor& tensor, Role) { tensors.push_back(tensor); }
  template <class Number>
  void operator()(const char*, Number& number) {
    numbers.push_back(static_cast<double>(number));
  }
};

inline bool same(const std::vector<Layer>& a, const std::vector<Layer>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || a[i].kind.index() != b[i].kind.index()) return false;
    Kind x = a[i].kind, y = b[i].kind;
    FieldList p, q;
    std::visit([&](auto& kind) { fields(p, kind); }, x);
    std::visit([&](auto& kind) { fields(q, kind); }, y);
    for (size_t j = 0; j < p.tensors.size(); ++j) {
      if (!same(p.tensors[j], q.tensors[j])) return false;
    }
    if (p.numbers != q.numbers) return false;
    const auto* r = std::get_if<Residual>(&x);
    if (r != nullptr && !same(r->branch, std::get<Residual>(y).branch)) return false;
  }
  return true;
}

}  // namespace taut::test
