#include "models/check.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>

#include "models/curves.hpp"
#include "models/walk.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

constexpr int64_t kMaxValues = int64_t{1} << 31;  // in one input

// What flows between two layers.
struct Flow {
  enum { image, ids, activations } kind = activations;
  int64_t channels = 0, height = 0, columns = 0;  // of an image
  int64_t tokens = 0, width = 0;                  // of activations; ids have tokens only
  bool operator==(const Flow&) const = default;
};

const char* noun(const Flow& flow) {
  return flow.kind == Flow::image ? "an image" : flow.kind == Flow::ids ? "token ids" : "tokens";
}

void expect_kind(const Flow& flow, int kind, const char* what) {
  require(flow.kind == kind, "expected {}, but {} arrive", what, noun(flow));
}

void expect_tokens(const Flow& flow) { expect_kind(flow, Flow::activations, "tokens"); }

bool is(const Tensor& tensor, c10::IntArrayRef sizes) {
  return tensor.defined() && tensor.sizes() == sizes;
}

std::string shape(const Tensor& tensor) {
  return tensor.defined() ? shape_text(tensor.sizes()) : "nothing";
}

void expect_shape(const char* name, const Tensor& tensor, c10::IntArrayRef sizes) {
  require(is(tensor, sizes), "expected {} of shape {}, got {}", name, shape_text(sizes),
          shape(tensor));
}

void expect_optional(const char* name, const Tensor& tensor, c10::IntArrayRef sizes) {
  if (tensor.defined()) expect_shape(name, tensor, sizes);
}

void expect_rank(const char* name, const Tensor& tensor, int64_t rank) {
  require(tensor.defined() && tensor.dim() == rank && tensor.numel() > 0,
          "expected {} with {} dimensions, none of them 0; got {}", name, rank, shape(tensor));
}

void expect_finite(const char* name, double value) {
  require(std::isfinite(value), "expected a finite {}, got {}", name, value);
}

void expect_not_negative(const char* name, double value) {
  require(std::isfinite(value) && value >= 0, "expected {} >= 0, got {}", name, value);
}

void expect_positive(const char* name, double value) {
  require(std::isfinite(value) && value > 0, "expected {} > 0, got {}", name, value);
}

Flow through(const Embedding& l, Flow in, const InputSpec& input) {
  expect_kind(in, Flow::ids, "token ids");
  expect_rank("table", l.table, 2);
  require(l.table.size(0) == input.vocabulary, "expected a table of {} rows, got {}",
          input.vocabulary, shape(l.table));
  return {Flow::activations, 0, 0, 0, in.tokens, l.table.size(1)};
}

Flow through(const PixelNormalize& l, Flow in, const InputSpec&) {
  expect_kind(in, Flow::image, "an image");
  expect_shape("mean", l.mean, {in.channels});
  expect_shape("std", l.std, {in.channels});
  expect_positive("std", l.std.to(at::kDouble).min().item<double>());
  return in;
}

Flow through(const Patchify& l, Flow in, const InputSpec&) {
  expect_kind(in, Flow::image, "an image");
  require(l.patch >= 0, "expected a patch of at least 0 pixels, got {}", l.patch);
  if (l.patch == 0) return {Flow::activations, 0, 0, 0, 1, in.channels * in.height * in.columns};
  require(in.height % l.patch == 0 && in.columns % l.patch == 0,
          "expected a patch that divides {} x {} pixels, got {}", in.height, in.columns, l.patch);
  return {Flow::activations,
          0,
          0,
          0,
          in.height / l.patch * (in.columns / l.patch),
          in.channels * l.patch * l.patch};
}

Flow through(const Position& l, Flow in, const InputSpec&) {
  expect_tokens(in);
  expect_rank("table", l.table, 2);
  require((l.table.size(0) >= in.tokens || l.table.size(0) == 1) && l.table.size(1) == in.width,
          "expected a table of at least {} x {}, or of one row, got {}", in.tokens, in.width,
          shape(l.table));
  return in;
}

Flow through(const Linear& l, Flow in, const InputSpec&) {
  expect_tokens(in);
  expect_rank("weight", l.weight, 2);
  expect_shape("weight", l.weight, {l.weight.size(0), in.width});
  expect_optional("bias", l.bias, {l.weight.size(0)});
  expect_finite("gain", l.gain);
  in.width = l.weight.size(0);
  return in;
}

Flow through(const Activation& l, Flow in, const InputSpec&) {
  expect_tokens(in);
  const auto curve = static_cast<int64_t>(l.curve);
  require(curve >= 0 && curve < static_cast<int64_t>(curve_names().size()), "unknown curve {}",
          curve);
  require(l.curve != Curve::max_min || in.width % 2 == 0,
          "max_min sorts pairs: it needs an even width, got {}", in.width);
  expect_finite("gain", l.gain);
  return in;
}

Flow through(const BallClamp& l, Flow in, const InputSpec&) {
  expect_tokens(in);
  expect_positive("radius", l.radius);
  return in;
}

Flow through(const Normalize& l, Flow in, const InputSpec&) {
  expect_tokens(in);
  expect_shape("weight", l.weight, {in.width});
  expect_optional("bias", l.bias, {in.width});
  expect_positive("eps", l.eps);
  return in;
}

Flow through(const Attention& l, Flow in, const InputSpec&) {
  expect_tokens(in);
  expect_rank("query.weight", l.query, 3);
  const int64_t heads = l.query.size(0), d_head = l.query.size(1);
  expect_shape("query.weight", l.query, {heads, d_head, in.width});
  expect_shape("key.weight", l.key, {heads, d_head, in.width});
  expect_shape("value.weight", l.value, {heads, d_head, in.width});
  expect_optional("query.bias", l.query_bias, {heads, d_head});
  expect_optional("key.bias", l.key_bias, {heads, d_head});
  expect_optional("value.bias", l.value_bias, {heads, d_head});
  expect_shape("output.weight", l.output, {in.width, heads * d_head});
  expect_optional("output.bias", l.output_bias, {in.width});
  if (l.position_bias.defined()) {
    require(l.causal, "position_bias needs a causal mask");
    expect_rank("position_bias", l.position_bias, 2);
    require(l.position_bias.size(0) == heads && l.position_bias.size(1) >= in.tokens,
            "expected position_bias of at least {} x {}, got {}", heads, in.tokens,
            shape(l.position_bias));
  }
  if (l.rotary.defined()) {
    require(d_head % 2 == 0, "rotary turns pairs: it needs an even d_head, got {}", d_head);
    expect_rank("rotary", l.rotary, 3);
    require(
        l.rotary.size(0) >= in.tokens && l.rotary.size(1) == d_head / 2 && l.rotary.size(2) == 2,
        "expected rotary of at least {} x {} x 2, got {}", in.tokens, d_head / 2, shape(l.rotary));
  }
  expect_not_negative("query_key_eps", l.query_key_eps);
  expect_not_negative("query_key_clamp", l.query_key_clamp);
  expect_finite("logit_scale", l.logit_scale);
  expect_finite("gain", l.gain);
  return in;
}

Flow through(const Pool&, Flow in, const InputSpec&) {
  expect_tokens(in);
  in.tokens = 1;
  return in;
}

Flow through(const Prepend& l, Flow in, const InputSpec&) {
  expect_tokens(in);
  expect_rank("tokens", l.tokens, 2);
  expect_shape("tokens", l.tokens, {l.tokens.size(0), in.width});
  in.tokens += l.tokens.size(0);
  return in;
}

Flow through(const Select& l, Flow in, const InputSpec&) {
  expect_tokens(in);
  require(l.token >= 0 && l.token < in.tokens, "expected a token in [0, {}), got {}", in.tokens,
          l.token);
  in.tokens = 1;
  return in;
}

Flow through(const TokenShift& l, Flow in, const InputSpec&) {
  expect_tokens(in);
  expect_rank("logits", l.logits, 1);
  require(l.logits.size(0) <= in.tokens, "expected at most {} logits, one a token, got {}",
          in.tokens, l.logits.size(0));
  return in;
}

Flow through(const std::vector<Layer>& layers, Flow flow, const InputSpec& input);

Flow through(const Residual& l, Flow in, const InputSpec& input) {
  expect_tokens(in);
  expect_finite("keep", l.keep);
  expect_finite("add", l.add);
  const Flow out = through(l.branch, in, input);
  require(out == in, "expected the branch to return {} tokens of width {}, got {} of width {}",
          in.tokens, in.width, out.tokens, out.width);
  return in;
}

Flow through(const std::vector<Layer>& layers, Flow flow, const InputSpec& input) {
  for (const Layer& layer : layers) {
    try {
      flow = std::visit([&](const auto& kind) { return through(kind, flow, input); }, layer.kind);
    } catch (const Error& error) {
      fail("{} ({}): {}", layer.name, kind_name(layer.kind), error.what());
    }
  }
  return flow;
}

Flow source(const InputSpec& input) {
  if (input.kind == InputKind::tokens) {
    require(input.context > 0 && input.context <= kMaxValues && input.vocabulary > 0,
            "expected an input of tokens with a context and a vocabulary > 0, got {} and {}",
            input.context, input.vocabulary);
    return {Flow::ids, 0, 0, 0, input.context, 0};
  }
  const double values = static_cast<double>(input.channels) * static_cast<double>(input.height) *
                        static_cast<double>(input.width);
  require(input.channels > 0 && input.height > 0 && input.width > 0 &&
              values <= static_cast<double>(kMaxValues),
          "expected an input of pixels, 1 to {} of them, got {} x {} x {}", kMaxValues,
          input.channels, input.height, input.width);
  require(std::isfinite(input.low) && std::isfinite(input.high) && input.low < input.high,
          "expected pixels in a finite range, got [{}, {}]", input.low, input.high);
  return {Flow::image, input.channels, input.height, input.width, 0, 0};
}

void check_values(const Network& network) {
  std::optional<at::ScalarType> dtype;
  for_each_tensor(network, [&](const std::string& path, const Tensor& tensor, Role) {
    require(tensor.is_floating_point(), "{}: expected floating point numbers, got {}", path,
            toString(tensor.scalar_type()));
    if (!dtype) dtype = tensor.scalar_type();
    require(*dtype == tensor.scalar_type(), "{} is of type {}, the tensors before it of {}", path,
            toString(tensor.scalar_type()), toString(*dtype));
    // LibTorch asks no questions of 8-bit floats; they fit any wider type.
    const Tensor wide = tensor.element_size() == 1 ? tensor.to(at::kFloat) : tensor;
    if (wide.isfinite().all().item<bool>()) return;
    fail("{} holds {}", path, wide.isnan().any().item<bool>() ? "NaN" : "infinity");
  });
}

}  // namespace

void check(const Network& network) {
  const at::NoGradGuard no_grad;
  const Flow out = through(network.layers, source(network.input), network.input);
  require(out.kind == Flow::activations, "the network ends before its input became tokens");
  check_values(network);
}

}  // namespace taut::models
