#include "models/forward.hpp"

#include <ATen/ATen.h>

#include <utility>

#include "kernels/ball_clamp.hpp"
#include "models/walk.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

Tensor apply(const Embedding& l, const Tensor& ids) {
  return l.table.index_select(0, ids.flatten()).view({ids.size(0), ids.size(1), -1});
}

Tensor apply(const PixelNormalize& l, const Tensor& x) {
  return (x - l.mean.view({1, -1, 1, 1})) / l.std.view({1, -1, 1, 1});
}

Tensor apply(const Patchify& l, const Tensor& x) {
  if (l.patch == 0) return x.flatten(1).unsqueeze(1);
  const int64_t p = l.patch, rows = x.size(2) / p, columns = x.size(3) / p;
  return x.view({x.size(0), x.size(1), rows, p, columns, p})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({x.size(0), rows * columns, x.size(1) * p * p});
}

Tensor apply(const Position& l, const Tensor& x) {
  return x + (l.table.size(0) == 1 ? l.table : l.table.narrow(0, 0, x.size(1)));
}

Tensor apply(const Linear& l, const Tensor& x) {
  Tensor y = at::linear(x, l.weight);
  if (l.gain != 1) y = y * l.gain;
  return l.bias.defined() ? y + l.bias : y;
}

Tensor sorted_pairs(const Tensor& x) {
  const Tensor pairs = x.unflatten(-1, {-1, 2});
  const Tensor a = pairs.select(-1, 0), b = pairs.select(-1, 1);
  return at::stack({at::maximum(a, b), at::minimum(a, b)}, -1).flatten(-2);
}

Tensor apply(const Activation& l, const Tensor& x) {
  Tensor y;
  switch (l.curve) {
    case Curve::gelu:
      y = at::gelu(x);
      break;
    case Curve::relu:
      y = at::relu(x);
      break;
    case Curve::abs:
      y = at::abs(x);
      break;
    case Curve::gelu_tanh:
      y = at::gelu(x, "tanh");
      break;
    case Curve::tanh:
      y = at::tanh(x);
      break;
    case Curve::silu:
      y = at::silu(x);
      break;
    case Curve::max_min:
      y = sorted_pairs(x);
      break;
    case Curve::relu_squared:
      y = at::relu(x).square();
      break;
  }
  return l.gain == 1 ? y : y * l.gain;
}

Tensor apply(const BallClamp& l, const Tensor& x) { return kernels::ball_clamp(x, l.radius); }

Tensor apply(const Normalize& l, const Tensor& x) {
  const Tensor c = l.centered ? x - x.mean(-1, /*keepdim=*/true) : x;
  const Tensor y = c * (c.square().mean(-1, /*keepdim=*/true) + l.eps).rsqrt() * l.weight;
  return l.bias.defined() ? y + l.bias : y;
}

// (batch, tokens, width) to one head axis: (batch, heads, tokens, d_head)
Tensor per_head(const Tensor& weight, const Tensor& bias, const Tensor& x) {
  const int64_t heads = weight.size(0), d_head = weight.size(1);
  Tensor y = at::linear(x, weight.reshape({heads * d_head, weight.size(2)}));
  if (bias.defined()) y = y + bias.flatten();
  return y.view({x.size(0), x.size(1), heads, d_head}).transpose(1, 2);
}

// (heads, tokens, tokens): bias[h, i - j] below and on the diagonal, zero above it.
Tensor relative(const Tensor& bias, int64_t tokens) {
  const Tensor i = at::arange(tokens, at::TensorOptions(at::kLong).device(bias.device()));
  const Tensor distance = (i.unsqueeze(1) - i.unsqueeze(0)).clamp_min(0);
  return bias.index_select(1, distance.flatten()).view({bias.size(0), tokens, tokens});
}

// The two entries of every pair turn by the angle of their position: (a, b) to (a cos + b sin,
// b cos - a sin). x (batch, heads, tokens, d_head)
Tensor rotated(const Tensor& table, const Tensor& x) {
  const Tensor angles = table.narrow(0, 0, x.size(2));
  const Tensor cosine = angles.select(-1, 0), sine = angles.select(-1, 1);
  const std::vector<Tensor> halves = x.chunk(2, -1);
  const Tensor &a = halves[0], &b = halves[1];
  return at::cat({a * cosine + b * sine, b * cosine - a * sine}, -1);
}

// What a query or a key goes through before it is compared.
Tensor prepared(const Attention& l, Tensor x) {
  if (l.query_key_eps > 0) {
    x = x * (x.square().mean(-1, /*keepdim=*/true) + l.query_key_eps).rsqrt();
  }
  if (l.query_key_clamp > 0) x = kernels::ball_clamp(x, l.query_key_clamp);
  return l.rotary.defined() ? rotated(l.rotary, x) : x;
}

// What a causal layer adds to its logits: position biases, and minus infinity where the key comes
// later. (heads or 1, tokens, tokens); undefined without a mask.
Tensor offsets(const Attention& l, const Tensor& x) {
  if (!l.causal) return {};
  const int64_t tokens = x.size(1);
  const Tensor future = at::ones({tokens, tokens}, x.options().dtype(at::kBool)).triu_(1);
  const Tensor biases = l.position_bias.defined() ? relative(l.position_bias, tokens)
                                                  : at::zeros({1, tokens, tokens}, x.options());
  return biases.masked_fill(future, -std::numeric_limits<double>::infinity());
}

// Logits at a time: so many examples that what a softmax reads and writes stays in the cache.
constexpr int64_t kLogits = 1 << 20;

Tensor mixed(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& offset) {
  Tensor logits = at::matmul(q, k.transpose(-2, -1));
  if (offset.defined()) logits = logits + offset;
  return at::matmul(logits.softmax(-1), v);
}

Tensor apply(const Attention& l, const Tensor& x) {
  const int64_t heads = l.query.size(0), d_head = l.query.size(1), tokens = x.size(1);
  Projections raw = projected(l, x);
  const Tensor q =
      prepared(l, std::move(raw.query)) * (l.logit_scale / static_cast<double>(d_head));
  const Tensor k = prepared(l, std::move(raw.key)), v = raw.value;
  const Tensor offset = offsets(l, x);
  const int64_t share = std::max(int64_t{1}, kLogits / (heads * tokens * tokens));
  const std::vector<Tensor> qs = q.split(share), ks = k.split(share), vs = v.split(share);
  std::vector<Tensor> parts;
  for (size_t i = 0; i < qs.size(); ++i) parts.push_back(mixed(qs[i], ks[i], vs[i], offset));
  const Tensor all = parts.size() == 1 ? parts.front() : at::cat(parts);
  Tensor y = at::linear(all.transpose(1, 2).flatten(2), l.output);
  if (l.gain != 1) y = y * l.gain;
  return l.output_bias.defined() ? y + l.output_bias : y;
}

Tensor apply(const Residual& l, const Tensor& x) {
  Tensor branch = x;
  for (const Layer& layer : l.branch) branch = models::apply(layer, branch);
  return joined(l, x, branch);
}

Tensor apply(const Pool&, const Tensor& x) { return x.mean(1, /*keepdim=*/true); }

Tensor apply(const Prepend& l, const Tensor& x) {
  return at::cat({l.tokens.unsqueeze(0).expand({x.size(0), -1, -1}), x}, 1);
}

Tensor apply(const Select& l, const Tensor& x) { return x.narrow(1, l.token, 1); }

Tensor apply(const TokenShift& l, const Tensor& x) {
  const std::vector<Tensor> weights = l.logits.softmax(0).unbind();
  Tensor y = weights[0] * x;
  for (int64_t k = 1; k < std::min(l.logits.size(0), x.size(1)); ++k) {
    const Tensor earlier = x.narrow(1, 0, x.size(1) - k);
    y = y + weights[static_cast<size_t>(k)] * at::constant_pad_nd(earlier, {0, 0, k, 0});
  }
  return y;
}

}  // namespace

bool embeds(const Network& network) { return network.input.kind == InputKind::tokens; }

Tensor apply(const Layer& layer, const Tensor& x) {
  return std::visit([&](const auto& kind) { return apply(kind, x); }, layer.kind);
}

Tensor joined(const Residual& l, const Tensor& x, const Tensor& branch) {
  return (l.keep == 1 ? x : l.keep * x) + (l.add == 1 ? branch : l.add * branch);
}

Projections projected(const Attention& l, const Tensor& x) {
  return {per_head(l.query, l.query_bias, x), per_head(l.key, l.key_bias, x),
          per_head(l.value, l.value_bias, x)};
}

Tensor injection(const Network& network, const Tensor& input) {
  return embeds(network) ? apply(network.layers.front(), input) : input.to(dtype_of(network));
}

Tensor forward_injected(const Network& network, const Tensor& injected) {
  Tensor x = injected;
  for (size_t i = embeds(network) ? 1 : 0; i < network.layers.size(); ++i) {
    x = apply(network.layers[i], x);
  }
  return x;
}

Tensor forward(const Network& network, const Tensor& input) {
  return forward_injected(network, injection(network, input));
}

at::ScalarType dtype_of(const Network& network) {
  at::ScalarType dtype = at::kFloat;
  bool found = false;
  for_each_tensor(network, [&](const std::string&, const Tensor& tensor, Role) {
    if (found || !tensor.is_floating_point()) return;
    dtype = tensor.scalar_type();
    found = true;
  });
  return dtype;
}

at::Device device_of(const Network& network) {
  at::Device device = at::kCPU;
  bool found = false;
  for_each_tensor(network, [&](const std::string&, const Tensor& tensor, Role) {
    if (!found) device = tensor.device();
    found = true;
  });
  return device;
}

void check_input(const InputSpec& spec, const Tensor& input) {
  if (spec.kind == InputKind::pixels) {
    require(input.dim() == 4 && input.size(1) == spec.channels && input.size(2) == spec.height &&
                input.size(3) == spec.width,
            "expected images of {} x {} x {}, got a tensor of shape {}", spec.channels, spec.height,
            spec.width, shape_text(input.sizes()));
    require(input.is_floating_point(), "expected floating point pixels");
    if (input.numel() == 0) return;
    const double low = input.min().item<double>(), high = input.max().item<double>();
    require(low >= spec.low && high <= spec.high,
            "expected pixels in [{}, {}], got values from {} to {}", spec.low, spec.high, low,
            high);
  } else {
    require(input.dim() == 2 && input.size(1) == spec.context && input.scalar_type() == at::kLong,
            "expected int64 token ids (batch, {}), got shape {}", spec.context,
            shape_text(input.sizes()));
    if (input.numel() == 0) return;
    const int64_t low = input.min().item<int64_t>(), high = input.max().item<int64_t>();
    require(low >= 0 && high < spec.vocabulary, "expected token ids in [0, {}), got {} to {}",
            spec.vocabulary, low, high);
  }
}

}  // namespace taut::models
