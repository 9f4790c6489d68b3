#include "certify/evaluate.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "certify/rounding.hpp"
#include "models/fields.hpp"
#include "models/forward.hpp"

namespace taut::certify {
namespace {

using namespace models;

// A computed activation (batch, tokens, width) and its largest distance, over tokens, from the real
// one.
struct Computed {
  at::Tensor value;
  Upper error;
};

struct ToDouble {
  void operator()(const char*, at::Tensor& tensor, Role) const {
    if (tensor.defined()) tensor = tensor.to(at::kDouble);
  }
  template <class Number>
  void operator()(const char*, Number&) const {}
};

// fp64 holds what is stored exactly. One layer at a time: the weights may be a mapped file that is
// larger than the memory.
at::Tensor apply_exactly(Layer layer, const at::Tensor& x) {
  std::visit([](auto& kind) { fields(ToDouble{}, kind); }, layer.kind);
  return models::apply(layer, x);
}

// Largest norm over the last dimension, rounded up as in norms.cpp.
Upper largest_norm(const at::Tensor& x) {
  const double largest = x.square().sum(-1).max().item<double>();
  const Upper underflow = Upper(static_cast<double>(x.size(-1))) * Upper(kFloat64.smallest);
  return sqrt(Upper(largest) * (Upper(1) + gamma(2 * x.size(-1) + 4, kFloat64.unit)) + underflow);
}

struct Local {
  Upper slope, rounding;
};

template <class L>
Local local(const L& l, const Norms& norms, Shape shape, Upper size, const Computed&) {
  return {effect(l, norms, shape, size).max, rounding(l, norms, shape, size, kFloat64)};
}

// On the segment between computed and real token the deviation is at least the computed one less
// the error over sqrt(d).
Local local(const Normalize& l, const Norms& norms, Shape shape, Upper size, const Computed& in) {
  const at::Tensor c = l.centered ? in.value - in.value.mean(-1, true) : in.value;
  const double computed = std::sqrt(c.square().mean(-1).min().item<double>());
  // Centring and the mean err by far less than this share of the token's norm.
  const Upper doubt = (in.error + gamma(4 * shape.width + 16, kFloat64.unit) * size) /
                      next_down(std::sqrt(static_cast<double>(shape.width)));
  const double deviation = std::max(0.0, next_down(computed - doubt.value()));
  const double least = next_down(next_down(std::sqrt(next_down(deviation * deviation + l.eps))));
  return {norms.of(l.weight).largest / least, rounding(l, norms, shape, size, least, kFloat64)};
}

template <class L>
Computed through(const Layer& layer, const L& l, const Norms& norms, const Computed& in) {
  const Shape shape{in.value.size(1), in.value.size(2)};
  const Upper size = largest_norm(in.value) + in.error;
  const Local here = local(l, norms, shape, size, in);
  Computed out{apply_exactly(layer, in.value), here.slope * in.error + here.rounding};
  if (!(size <= Upper(kFloat64.largest))) out.error = Upper::infinity();
  return out;
}

// Two rounded operations per pixel. A token's error is at most the image's.
Computed through(const Layer& layer, const PixelNormalize& l, const Norms&, const Computed& in) {
  const at::Tensor y = apply_exactly(layer, in.value);
  const Upper stretch = Upper(1) / l.std.min().item<double>();
  const Upper underflow = Upper(2) * Upper(kFloat64.smallest) * (Upper(1) + stretch) *
                          Upper::square_root(static_cast<double>(y[0].numel()));
  return {y, stretch * in.error + gamma(3, kFloat64.unit) * largest_norm(y.flatten(1)) + underflow};
}

Computed through(const Layer& layer, const Patchify&, const Norms&, const Computed& in) {
  return {apply_exactly(layer, in.value), in.error};
}

Computed through(const Layer&, const Embedding&, const Norms&, const Computed& in) { return in; }

Computed through(const Layer&, const Residual& l, const Norms& norms, const Computed& in);

Computed through(const Layer& layer, const Norms& norms, const Computed& in) {
  return std::visit([&](const auto& l) { return through(layer, l, norms, in); }, layer.kind);
}

Computed through(const Layer&, const Residual& l, const Norms& norms, const Computed& in) {
  Computed branch = in;
  for (const Layer& layer : l.branch) branch = through(layer, norms, branch);
  const Upper keep(l.keep), add(l.add);
  const Upper underflow =
      Upper(3 * kFloat64.smallest) * Upper::square_root(static_cast<double>(in.value.size(2)));
  return {l.keep * in.value + l.add * branch.value,
          keep * in.error + add * branch.error + underflow +
              gamma(3, kFloat64.unit) *
                  (keep * largest_norm(in.value) + add * largest_norm(branch.value))};
}

}  // namespace

Evaluated evaluate(const Network& network, const Norms& norms, const at::Tensor& input) {
  const at::NoGradGuard no_grad;
  const size_t first = network.input.kind == InputKind::tokens ? 1 : 0;
  // Pixels may be wider than the weights.
  const at::Tensor injected = first == 1 ? injection(network, input) : input;
  Computed x{injected.to(at::kDouble), Upper()};
  const size_t head = head_index(network);
  for (size_t i = first; i <= head; ++i) x = through(network.layers.at(i), norms, x);
  return {x.value, x.error};
}

}  // namespace taut::certify
