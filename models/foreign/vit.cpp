#include <cmath>

#include "models/foreign/parts.hpp"
#include "src/core/core.hpp"

// The vision transformer [Dosovitskiy et al. 2021]: patches and a class token, pre-LayerNorm
// blocks.
namespace taut::models {
namespace {

// What the two libraries call the same tensors; {} is the block's number.
struct Names {
  const char *anchor, *token, *position, *blocks, *norm, *head;
  const char *norm1, *norm2, *output, *up, *down;
  std::vector<const char*> mixed;  // queries, keys and values
  double eps;
};

const Names kTimm{
    "patch_embed.proj", "cls_token", "pos_embed", "blocks.",    "norm", "head", "norm1", "norm2",
    "attn.proj",        "mlp.fc1",   "mlp.fc2",   {"attn.qkv"}, 1e-6};
const Names kHuggingFace{
    "embeddings.patch_embeddings.projection",
    "embeddings.cls_token",
    "embeddings.position_embeddings",
    "encoder.layer.",
    "layernorm",
    "classifier",
    "layernorm_before",
    "layernorm_after",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
    {"attention.attention.query", "attention.attention.key", "attention.attention.value"},
    1e-12};

struct Vit {
  const NamedTensors& tensors;
  const ForeignOptions& options;
  const Names& names;
  std::string prefix;
  int64_t width = 0, heads = 0;

  bool has(const std::string& name) const { return tensors.count(prefix + name) > 0; }

  void add_block(std::vector<DescribedLayer>& layers, int64_t index) const {
    const std::string first = fmt::format("{}0.", names.blocks);
    const std::string from = fmt::format("{}{}{}.", prefix, names.blocks, index);
    const std::string name = fmt::format("blocks.{}.", index);
    const double eps = eps_or(options, names.eps);
    AttentionNames attention{{}, from + names.output, has(first + names.mixed[0] + ".bias")};
    for (const char* mixed : names.mixed) attention.from.push_back(from + mixed);
    layers.push_back(
        residual_layer(name + "attention_residual",
                       {norm_layer(name + "attention_norm", from + names.norm1, width, eps, true),
                        attention_layer(name + "attention", attention, heads, width, false)}));
    const int64_t hidden = sizes_of(tensors, prefix + first + names.up + ".weight", 2)[0];
    layers.push_back(
        residual_layer(name + "mlp_residual",
                       {norm_layer(name + "mlp_norm", from + names.norm2, width, eps, true),
                        linear_layer(name + "mlp.up", from + names.up, hidden, width, true),
                        activation_layer(name + "mlp.activation", curve_or(options, Curve::gelu)),
                        linear_layer(name + "mlp.down", from + names.down, width, hidden, true)}));
  }
};

// The image: that of the data, or the square that the positions say.
InputSpec image_of(const ForeignOptions& options, int64_t channels, int64_t patch,
                   int64_t patches) {
  InputSpec input;
  const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(patches))));
  input.channels = channels;
  input.height = input.width = side * patch;
  if (options.input && options.input->kind == InputKind::pixels) input = *options.input;
  require(input.channels == channels && input.height % patch == 0 && input.width % patch == 0 &&
              (input.height / patch) * (input.width / patch) == patches,
          "expected images of {} channels and {} patches of {} x {}, got {} x {} x {}", channels,
          patches, patch, patch, input.channels, input.height, input.width);
  return input;
}

}  // namespace

Description describe_vit(const NamedTensors& tensors, const ForeignOptions& options) {
  const Names& names =
      has_name_ending(tensors, std::string(kTimm.anchor) + ".weight") ? kTimm : kHuggingFace;
  const std::string anchor = std::string(names.anchor) + ".weight";
  Vit vit{tensors, options, names, prefix_of(tensors, anchor)};
  const auto patch = sizes_of(tensors, vit.prefix + anchor, 4);
  require(patch[2] == patch[3], "expected square patches, got {} x {}", patch[2], patch[3]);
  const auto positions = sizes_of(tensors, vit.prefix + names.position, 3);
  vit.width = patch[0];
  vit.heads = require_heads(options, vit.width);
  Description d;
  d.input = image_of(options, patch[1], patch[2], positions[1] - 1);
  d.layers = pixel_layers(options, patch[1]);
  d.layers.push_back({{"patchify", Patchify{patch[2]}}});
  DescribedLayer embed = linear_layer("embed", vit.prefix + names.anchor, vit.width, 1, true);
  embed.tensors["weight"].shape = patch;
  d.layers.push_back(embed);
  DescribedLayer token{{"class_token", Prepend{}}};
  token.tensors["tokens"] = {.from = vit.prefix + names.token, .shape = {1, 1, vit.width}};
  d.layers.push_back(token);
  d.layers.push_back(position_layer(
      "position", {.from = vit.prefix + names.position, .shape = {1, positions[1], vit.width}}));
  const int64_t blocks = count_blocks(tensors, vit.prefix + names.blocks);
  for (int64_t i = 0; i < blocks; ++i) vit.add_block(d.layers, i);
  d.layers.push_back(
      norm_layer("norm", vit.prefix + names.norm, vit.width, eps_or(options, names.eps), true));
  d.layers.push_back({{"select", Select{0}}});
  // Hugging Face's classifier stands beside the encoder.
  const std::string head = prefix_of(tensors, std::string(names.head) + ".weight") + names.head;
  const auto classes = sizes_of(tensors, head + ".weight", 2);
  d.layers.push_back(linear_layer("head", head, classes[0], vit.width, true));
  return d;
}

}  // namespace taut::models
