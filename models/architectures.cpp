#include "models/architectures.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "models/curves.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

struct Builder {
  const Architecture& a;
  const InputSpec& input;
  int64_t classes;
  at::Generator generator;

  bool lipschitz() const { return a.style == "lipschitz"; }

  Tensor normal(at::IntArrayRef shape, double deviation) {
    return at::randn(shape, generator, at::kFloat) * deviation;
  }

  // Singular values all sqrt(out / in): the RMS->RMS norm is 1 [Newhouse et al. 2025].
  Tensor orthogonal(int64_t out, int64_t in) {
    const Tensor tall = normal({std::max(out, in), std::min(out, in)}, 1);
    const auto [q, r] = at::linalg_qr(tall);
    const Tensor signed_q = q * r.diagonal().sign();
    return ((out >= in ? signed_q : signed_q.t()) * std::sqrt(double(out) / double(in)))
        .contiguous();
  }

  Tensor heads(double deviation) {
    const int64_t d_head = a.width / a.heads;
    if (!lipschitz()) return normal({a.heads, d_head, a.width}, deviation);
    std::vector<Tensor> blocks;
    for (int64_t h = 0; h < a.heads; ++h) blocks.push_back(orthogonal(d_head, a.width));
    return at::stack(blocks);
  }

  // Lipschitz nets carry no biases: a bias adds to every token norm N, and N enters the attention
  // bound.
  Layer linear(const std::string& name, int64_t out, int64_t in, bool zero = false) {
    Linear l;
    if (lipschitz()) {
      l.weight = zero ? at::zeros({out, in}) : orthogonal(out, in);
    } else {
      l.weight = normal({out, in}, zero ? 0.0 : 1 / std::sqrt(double(in)));
      l.bias = at::zeros({out});
    }
    return {name, l};
  }

  // Scaled to slope 1 at most: for GELU 1 / 1.12890415, where the published 1 / 1.1289 leaves it at
  // 1.0000037.
  Layer activation(const std::string& name) const {
    const Curve curve = parse_curve(a.activation);
    return {name, Activation{curve, lipschitz() ? 1 / steepest_slope(curve) : 1}};
  }

  Layer norm(const std::string& name) {
    return {name, Normalize{at::ones({a.width}), at::zeros({a.width}), 1e-5, true}};
  }

  // Head h starts by looking h + 1 tokens back: position costs no Lipschitz constant, so it may be
  // sharp.
  Tensor position_bias() const {
    Tensor bias = at::zeros({a.heads, input.context});
    for (int64_t h = 0; h < a.heads && h + 1 < input.context; ++h) bias[h][h + 1] = 4.0;
    return bias;
  }

  Layer attention(const std::string& name, bool causal) {
    Attention l;
    const double deviation = 1 / std::sqrt(double(a.width));
    l.query = heads(deviation);
    l.key = heads(deviation);
    l.value = heads(deviation);
    l.output = at::zeros({a.width, a.width});
    l.causal = causal;
    if (lipschitz()) {
      l.logit_scale = a.logit_scale;
      l.gain = 1 / (1 + 2 * a.logit_scale);  // the branch is 1-Lipschitz when every cap is 1
      if (causal) l.position_bias = position_bias();
    } else {
      const Tensor zeros = at::zeros({a.heads, a.width / a.heads});
      l.logit_scale = std::sqrt(double(a.width) / double(a.heads));
      l.query_bias = zeros.clone();
      l.key_bias = zeros.clone();
      l.value_bias = zeros.clone();
      l.output_bias = at::zeros({a.width});
    }
    return {name, l};
  }

  Layer residual(const std::string& name, std::vector<Layer> branch) const {
    const double add = lipschitz() ? a.residual_add : 1;
    return {name, Residual{lipschitz() ? 1 - add : 1, add, std::move(branch)}};
  }

  void enter_branch(std::vector<Layer>& branch, const std::string& name) {
    if (!lipschitz()) branch.push_back(norm(name + "norm"));
    if (lipschitz() && a.clamp > 0) branch.push_back({name + "clamp", BallClamp{a.clamp}});
  }

  void block(std::vector<Layer>& layers, int64_t index, bool causal) {
    const std::string name = fmt::format("blocks.{}.", index);
    std::vector<Layer> mix, mlp;
    enter_branch(mix, name + "attention_");
    mix.push_back(attention(name + "attention", causal));
    layers.push_back(residual(name + "attention_residual", std::move(mix)));
    const int64_t hidden = a.width * a.expansion;
    enter_branch(mlp, name + "mlp_");
    mlp.push_back(linear(name + "mlp.up", hidden, a.width));
    mlp.push_back(activation(name + "mlp.activation"));
    mlp.push_back(linear(name + "mlp.down", a.width, hidden, /*zero=*/true));
    layers.push_back(residual(name + "mlp_residual", std::move(mlp)));
  }

  void head(std::vector<Layer>& layers, int64_t in) {
    layers.push_back(linear("head", classes, in));
    auto& l = std::get<Linear>(layers.back().kind);
    if (lipschitz()) l.gain = a.output_scale;
  }

  // Centred pixels are shorter; the deviation of 1 keeps the Lipschitz constant at 1.
  Layer pixel_normalize() const {
    return {"normalize", PixelNormalize{at::full({input.channels}, 0.5),
                                        at::full({input.channels}, lipschitz() ? 1.0 : 0.5)}};
  }

  std::vector<Layer> mlp() {
    std::vector<Layer> layers{pixel_normalize(), {"flatten", Patchify{0}}};
    int64_t in = input.channels * input.height * input.width;
    for (int64_t i = 0; i < a.blocks; ++i) {
      layers.push_back(linear(fmt::format("layers.{}", i), a.width, in));
      layers.push_back(activation(fmt::format("activations.{}", i)));
      in = a.width;
    }
    head(layers, in);
    return layers;
  }

  std::vector<Layer> vit() {
    require(a.patch > 0 && input.height % a.patch == 0 && input.width % a.patch == 0,
            "model.patch {} must divide the image's {} x {} pixels", a.patch, input.height,
            input.width);
    const int64_t tokens = (input.height / a.patch) * (input.width / a.patch);
    std::vector<Layer> layers{pixel_normalize(), {"patchify", Patchify{a.patch}}};
    layers.push_back(linear("embed", a.width, input.channels * a.patch * a.patch));
    layers.push_back({"position", Position{normal({tokens, a.width}, lipschitz() ? 0.5 : 0.02)}});
    if (lipschitz() && a.clamp > 0) layers.push_back({"clamp", BallClamp{a.clamp}});
    for (int64_t i = 0; i < a.blocks; ++i) block(layers, i, /*causal=*/false);
    if (!lipschitz()) layers.push_back(norm("norm"));
    layers.push_back({"pool", Pool{}});
    head(layers, a.width);
    return layers;
  }

  Layer embedding() {
    Tensor table = normal({input.vocabulary, a.width}, lipschitz() ? 1 : 0.02);
    if (lipschitz()) table = table / table.square().mean(1, true).sqrt();
    return {"embedding", Embedding{table}};
  }

  std::vector<Layer> gpt() {
    std::vector<Layer> layers{embedding()};
    if (!lipschitz()) {
      layers.push_back({"position", Position{normal({input.context, a.width}, 0.02)}});
    } else if (a.clamp > 0) {
      layers.push_back({"clamp", BallClamp{a.clamp}});
    }
    for (int64_t i = 0; i < a.blocks; ++i) block(layers, i, /*causal=*/true);
    if (!lipschitz()) layers.push_back(norm("norm"));
    head(layers, a.width);
    return layers;
  }

  // One label for a sequence: every token sees every other, their mean decides.
  std::vector<Layer> text() {
    std::vector<Layer> layers{embedding()};
    layers.push_back(
        {"position", Position{normal({input.context, a.width}, lipschitz() ? 0.5 : 0.02)}});
    if (lipschitz() && a.clamp > 0) layers.push_back({"clamp", BallClamp{a.clamp}});
    for (int64_t i = 0; i < a.blocks; ++i) block(layers, i, /*causal=*/false);
    if (!lipschitz()) layers.push_back(norm("norm"));
    layers.push_back({"pool", Pool{}});
    head(layers, a.width);
    return layers;
  }
};

void check(const Architecture& a, const InputSpec& input, int64_t classes) {
  require(a.style == "lipschitz" || a.style == "standard", "{}",
          unknown_name("model style", a.style, {"lipschitz", "standard"}));
  require(
      a.width > 0 && a.blocks > 0 && a.heads > 0 && a.expansion > 0 && classes > 1,
      "model width, blocks, heads, expansion must be positive and classes at least 2, got {}, {}, "
      "{}, {}, {}",
      a.width, a.blocks, a.heads, a.expansion, classes);
  require(a.name == "mlp" || a.width % a.heads == 0, "model.heads {} must divide model.width {}",
          a.heads, a.width);
  const int64_t hidden = a.name == "mlp" ? a.width : a.width * a.expansion;
  require(a.activation != "max_min" || hidden % 2 == 0,
          "model.activation max_min sorts pairs: it needs an even hidden width, got {}", hidden);
  require(a.residual_add > 0 && a.residual_add < 1, "model.residual_add {} must lie in (0, 1)",
          a.residual_add);
  require(
      a.logit_scale > 0 && std::isfinite(a.logit_scale) && a.clamp >= 0 && std::isfinite(a.clamp) &&
          a.output_scale > 0 && std::isfinite(a.output_scale),
      "model.logit_scale and output_scale must be positive and clamp not negative, got {}, {}, {}",
      a.logit_scale, a.output_scale, a.clamp);
  const bool wants_tokens = a.name == "gpt" || a.name == "text";
  require(wants_tokens == (input.kind == InputKind::tokens),
          "a model '{}' reads {}, the data are {}", a.name, wants_tokens ? "tokens" : "pixels",
          wants_tokens ? "pixels" : "tokens");
}

}  // namespace

const std::vector<std::string>& architecture_names() {
  static const std::vector<std::string> names{"mlp", "vit", "gpt", "text"};
  return names;
}

Network build(const Architecture& architecture, const InputSpec& input, int64_t classes,
              at::Generator generator) {
  require(std::find(architecture_names().begin(), architecture_names().end(), architecture.name) !=
              architecture_names().end(),
          "{}", unknown_name("model", architecture.name, architecture_names()));
  check(architecture, input, classes);
  Builder builder{architecture, input, classes, std::move(generator)};
  if (architecture.name == "mlp") return {input, builder.mlp()};
  if (architecture.name == "vit") return {input, builder.vit()};
  if (architecture.name == "text") return {input, builder.text()};
  return {input, builder.gpt()};
}

}  // namespace taut::models
