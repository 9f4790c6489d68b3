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
  bool biased() const { return !lipschitz() && a.norm == "layer"; }

  Tensor matrix(int64_t out, int64_t in) {
    return lipschitz() ? orthogonal(out, in) : normal({out, in}, 1 / std::sqrt(double(in)));
  }

  // At zero a branch starts as nothing: gentle where the residual keeps most of x, slow where not.
  Tensor branch_output(int64_t out, int64_t in) {
    return a.zero_outputs ? at::zeros({out, in}) : matrix(out, in);
  }

  Layer linear(const std::string& name, Tensor weight) {
    Linear l{std::move(weight), {}, 1};
    if (biased()) l.bias = at::zeros({l.weight.size(0)});
    return {name, l};
  }

  Layer linear(const std::string& name, int64_t out, int64_t in) {
    return linear(name, matrix(out, in));
  }

  // Scaled to slope 1 at most: for GELU 1 / 1.12890415, where the published 1 / 1.1289 leaves it at
  // 1.0000037.
  Layer activation(const std::string& name) const {
    const Curve curve = parse_curve(a.activation);
    return {name, Activation{curve, lipschitz() ? 1 / steepest_slope(curve) : 1}};
  }

  Layer norm(const std::string& name) {
    if (a.norm == "rms") return {name, Normalize{at::ones({a.width}), {}, 1e-6, false}};
    return {name, Normalize{at::ones({a.width}), at::zeros({a.width}), 1e-5, true}};
  }

  // Head h starts by looking h + 1 tokens back: position costs no Lipschitz constant, so it may be
  // sharp.
  Tensor position_bias() const {
    Tensor bias = at::zeros({a.heads, input.context});
    for (int64_t h = 0; h < a.heads && h + 1 < input.context; ++h) bias[h][h + 1] = 4.0;
    return bias;
  }

  // The angle of pair k at position t is t / base^(2 k / d_head).
  Tensor rotary() const {
    const int64_t d_head = a.width / a.heads;
    const auto numbers = at::TensorOptions(at::kDouble);
    const Tensor pair = at::arange(d_head / 2, numbers);
    const Tensor frequency = at::exp(pair * (-2 * std::log(a.rotary) / double(d_head)));
    const Tensor angle = at::outer(at::arange(input.context, numbers), frequency);
    return at::stack({angle.cos(), angle.sin()}, -1).to(at::kFloat);
  }

  void make_lipschitz(Attention& l) const {
    l.logit_scale = a.logit_scale;
    l.gain = 1 / (1 + 2 * a.logit_scale);  // the branch is 1-Lipschitz when every cap is 1
    l.query_key_clamp = a.query_key_clamp;
    if (l.causal && a.position_bias) l.position_bias = position_bias();
  }

  // Logits <q, k> / sqrt(d_head); of vectors of RMS 1, as QK norm leaves them, at most
  // sqrt(d_head).
  void make_standard(Attention& l) const {
    const int64_t d_head = a.width / a.heads;
    l.logit_scale = std::sqrt(double(d_head));
    l.query_key_eps = a.query_key_norm ? 1e-6 : 0;
    if (!biased()) return;
    for (Tensor* bias : {&l.query_bias, &l.key_bias, &l.value_bias}) {
      *bias = at::zeros({a.heads, d_head});
    }
    l.output_bias = at::zeros({a.width});
  }

  Layer attention(const std::string& name, bool causal) {
    Attention l;
    const double deviation = 1 / std::sqrt(double(a.width));
    l.query = heads(deviation);
    l.key = heads(deviation);
    l.value = heads(deviation);
    l.output = branch_output(a.width, a.width);
    l.causal = causal;
    if (causal && a.rotary > 0) l.rotary = rotary();
    lipschitz() ? make_lipschitz(l) : make_standard(l);
    return {name, l};
  }

  Layer residual(const std::string& name, std::vector<Layer> branch) const {
    const double add = lipschitz() ? a.residual_add : 1;
    return {name, Residual{lipschitz() ? 1 - add : 1, add, std::move(branch)}};
  }

  void enter_branch(std::vector<Layer>& branch, const std::string& name) {
    if (!lipschitz()) branch.push_back(norm(name + "norm"));
    if (lipschitz() && a.clamp > 0) branch.push_back({name + "clamp", BallClamp{a.clamp}});
    if (a.token_shift == 0) return;
    // Most of the weight starts at the token itself.
    Tensor logits = at::zeros({a.token_shift + 1});
    logits[0] = 2.0;
    branch.push_back({name + "shift", TokenShift{logits}});
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
    mlp.push_back(linear(name + "mlp.down", branch_output(a.width, hidden)));
    layers.push_back(residual(name + "mlp_residual", std::move(mlp)));
  }

  void head(std::vector<Layer>& layers, int64_t in) {
    layers.push_back(linear("head", classes, in));
    auto& l = std::get<Linear>(layers.back().kind);
    if (lipschitz()) l.gain = a.output_scale;
    if (a.logit_cap == 0) return;
    l.gain = 1 / a.logit_cap;
    if (l.bias.defined()) l.bias = l.bias / a.logit_cap;
    layers.push_back({"logit_cap", Activation{Curve::tanh, a.logit_cap}});
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

  // Behind the embedding: positions, blocks in which every token sees every other, and their mean
  // decides.
  std::vector<Layer> classified(std::vector<Layer> layers, int64_t tokens) {
    layers.push_back({"position", Position{normal({tokens, a.width}, lipschitz() ? 0.5 : 0.02)}});
    if (lipschitz() && a.clamp > 0) layers.push_back({"clamp", BallClamp{a.clamp}});
    for (int64_t i = 0; i < a.blocks; ++i) block(layers, i, /*causal=*/false);
    if (!lipschitz()) layers.push_back(norm("norm"));
    layers.push_back({"pool", Pool{}});
    head(layers, a.width);
    return layers;
  }

  std::vector<Layer> vit() {
    require(a.patch > 0 && input.height % a.patch == 0 && input.width % a.patch == 0,
            "model.patch {} must divide the image's {} x {} pixels", a.patch, input.height,
            input.width);
    const int64_t tokens = (input.height / a.patch) * (input.width / a.patch);
    std::vector<Layer> layers{pixel_normalize(), {"patchify", Patchify{a.patch}}};
    layers.push_back(linear("embed", a.width, input.channels * a.patch * a.patch));
    return classified(std::move(layers), tokens);
  }

  Layer embedding() {
    Tensor table = normal({input.vocabulary, a.width}, lipschitz() ? 1 : 0.02);
    if (lipschitz()) table = table / table.square().mean(1, true).sqrt();
    return {"embedding", Embedding{table}};
  }

  std::vector<Layer> gpt() {
    std::vector<Layer> layers{embedding()};
    if (!lipschitz() && a.rotary == 0) {
      layers.push_back({"position", Position{normal({input.context, a.width}, 0.02)}});
    }
    if (lipschitz() && a.clamp > 0) layers.push_back({"clamp", BallClamp{a.clamp}});
    for (int64_t i = 0; i < a.blocks; ++i) block(layers, i, /*causal=*/true);
    if (!lipschitz()) layers.push_back(norm("norm"));
    head(layers, a.width);
    return layers;
  }

  // One label for a sequence.
  std::vector<Layer> text() { return classified({embedding()}, input.context); }
};

}  // namespace

Network build(const Architecture& architecture, const InputSpec& input, int64_t classes,
              at::Generator generator) {
  check(architecture, input, classes);
  Builder builder{architecture, input, classes, std::move(generator)};
  if (architecture.name == "mlp") return {input, builder.mlp()};
  if (architecture.name == "vit") return {input, builder.vit()};
  if (architecture.name == "text") return {input, builder.text()};
  return {input, builder.gpt()};
}

}  // namespace taut::models
