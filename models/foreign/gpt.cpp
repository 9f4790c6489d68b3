#include "models/foreign/parts.hpp"
#include "src/core/core.hpp"

// GPT-2 [Radford et al. 2019]: pre-LayerNorm blocks, learned positions, the head tied to the table.
namespace taut::models {
namespace {

struct Gpt {
  const NamedTensors& tensors;
  const ForeignOptions& options;
  bool conv1d;
  std::string prefix;  // "transformer." or nothing
  int64_t width = 0, heads = 0;

  bool has(const std::string& name) const { return tensors.count(prefix + name) > 0; }

  // Every block in the manner of the first: a tensor that others lack is reported missing.
  void add_block(std::vector<DescribedLayer>& layers, int64_t index) const {
    const std::string from = fmt::format("{}h.{}.", prefix, index);
    const std::string name = fmt::format("blocks.{}.", index);
    const double eps = eps_or(options, 1e-5);
    const bool norm_bias = has("h.0.ln_1.bias"), bias = has("h.0.attn.c_attn.bias");
    AttentionNames names{{from + "attn.c_attn"}, from + "attn.c_proj", bias, bias, conv1d};
    layers.push_back(residual_layer(
        name + "attention_residual",
        {norm_layer(name + "attention_norm", from + "ln_1", width, eps, norm_bias),
         attention_layer(name + "attention", names, heads, width, /*causal=*/true)}));
    const auto up = sizes_of(tensors, prefix + "h.0.mlp.c_fc.weight", 2);
    const int64_t hidden = conv1d ? up[1] : up[0];
    layers.push_back(residual_layer(
        name + "mlp_residual",
        {norm_layer(name + "mlp_norm", from + "ln_2", width, eps, norm_bias),
         linear_layer(name + "mlp.up", from + "mlp.c_fc", hidden, width, bias, conv1d),
         activation_layer(name + "mlp.activation",
                          curve_or(options, conv1d ? Curve::gelu_tanh : Curve::gelu)),
         linear_layer(name + "mlp.down", from + "mlp.c_proj", width, hidden, bias, conv1d)}));
  }
};

// lm_head.weight stands beside the transformer, or is the table itself.
std::string head_name(const NamedTensors& tensors, const std::string& prefix) {
  return has_name_ending(tensors, "lm_head.weight")
             ? prefix_of(tensors, "lm_head.weight") + "lm_head"
             : prefix + "wte";
}

}  // namespace

Description describe_gpt(const NamedTensors& tensors, const ForeignOptions& options, bool conv1d) {
  Gpt gpt{tensors, options, conv1d, prefix_of(tensors, "wte.weight")};
  const auto table = sizes_of(tensors, gpt.prefix + "wte.weight", 2);
  const auto positions = sizes_of(tensors, gpt.prefix + "wpe.weight", 2);
  gpt.width = table[1];
  gpt.heads = require_heads(options, gpt.width);
  Description d;
  d.input.kind = InputKind::tokens;
  d.input.vocabulary = table[0];
  d.input.context = context_of(options, positions[0]);
  DescribedLayer embedding{{"embedding", Embedding{}}};
  embedding.tensors["table"] = {.from = gpt.prefix + "wte.weight", .shape = table};
  d.layers.push_back(embedding);
  d.layers.push_back(position_layer(
      "position", {.from = gpt.prefix + "wpe.weight", .shape = {positions[0], gpt.width}}));
  const int64_t blocks = count_blocks(tensors, gpt.prefix + "h.");
  for (int64_t i = 0; i < blocks; ++i) gpt.add_block(d.layers, i);
  d.layers.push_back(norm_layer("norm", gpt.prefix + "ln_f", gpt.width, eps_or(options, 1e-5),
                                gpt.has("ln_f.bias")));
  d.layers.push_back(
      linear_layer("head", head_name(tensors, gpt.prefix), table[0], gpt.width, /*bias=*/false));
  // Causal masks, saved as if they were weights.
  d.ignored = {gpt.prefix + "h.*.attn.bias", gpt.prefix + "h.*.attn.masked_bias"};
  return d;
}

}  // namespace taut::models
