#include <cmath>

#include "models/foreign/parts.hpp"
#include "src/core/core.hpp"

// The vision transformer [Dosovitskiy et al. 2021]: patches and a class token, pre-LayerNorm
// blocks. Without a class token the head reads the mean of all tokens [Beyer et al. 2022], after
// the last norm or, timm's fc_norm, before it.
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

int64_t square_side(int64_t patches) {
  return std::llround(std::sqrt(static_cast<double>(patches)));
}

// Whether `input` makes so many patches.
bool makes(const InputSpec& input, int64_t patch, int64_t patches) {
  return input.height % patch == 0 && input.width % patch == 0 &&
         (input.height / patch) * (input.width / patch) == patches;
}

// The image: that of the data, or the square that the positions say.
InputSpec image_of(const ForeignOptions& options, int64_t channels, int64_t patch,
                   int64_t patches) {
  InputSpec input;
  input.channels = channels;
  input.height = input.width = square_side(patches) * patch;
  if (options.input && options.input->kind == InputKind::pixels) input = *options.input;
  require(input.channels == channels && makes(input, patch, patches),
          "expected images of {} channels and {} patches of {} x {}, got {} x {} x {}", channels,
          patches, patch, patch, input.channels, input.height, input.width);
  return input;
}

// A table of positions with one row more than a square has patches asks for a class token, so that
// one that is not there is reported missing.
bool has_class_token(const Vit& vit, int64_t patch, int64_t rows) {
  if (vit.has(vit.names.token)) return true;
  const auto& input = vit.options.input;
  if (input && input->kind == InputKind::pixels) return makes(*input, patch, rows - 1);
  const int64_t side = square_side(rows - 1);
  return side * side == rows - 1;
}

void add_embeddings(const Vit& vit, Description& d, c10::IntArrayRef patch, int64_t rows,
                    bool class_token) {
  d.layers = pixel_layers(vit.options, patch[1]);
  d.layers.push_back({{"patchify", Patchify{patch[2]}}});
  DescribedLayer embed =
      linear_layer("embed", vit.prefix + vit.names.anchor, vit.width, 1, /*bias=*/true);
  embed.tensors["weight"].shape = patch.vec();
  d.layers.push_back(embed);
  if (class_token) {
    DescribedLayer token{{"class_token", Prepend{}}};
    token.tensors["tokens"] = {.from = vit.prefix + vit.names.token, .shape = {1, 1, vit.width}};
    d.layers.push_back(token);
  }
  d.layers.push_back(position_layer(
      "position", {.from = vit.prefix + vit.names.position, .shape = {1, rows, vit.width}}));
}

void add_end(const Vit& vit, Description& d, bool class_token) {
  const bool mean_first = vit.has("fc_norm.weight");
  require(!mean_first || !class_token,
          "fc_norm beside a class token takes the mean of the other tokens: no such layer here");
  const std::string last = vit.prefix + (mean_first ? "fc_norm" : vit.names.norm);
  const DescribedLayer norm =
      norm_layer("norm", last, vit.width, eps_or(vit.options, vit.names.eps), true);
  if (!mean_first) d.layers.push_back(norm);
  if (class_token) d.layers.push_back({{"select", Select{0}}});
  if (!class_token) d.layers.push_back({{"pool", Pool{}}});
  if (mean_first) d.layers.push_back(norm);
  // Hugging Face's classifier stands beside the encoder.
  const std::string name = vit.names.head;
  const std::string head = prefix_of(vit.tensors, name + ".weight") + name;
  const auto classes = sizes_of(vit.tensors, head + ".weight", 2);
  d.layers.push_back(linear_layer("head", head, classes[0], vit.width, true));
}

}  // namespace

Description describe_vit(const NamedTensors& tensors, const ForeignOptions& options) {
  const Names& names =
      has_name_ending(tensors, std::string(kTimm.anchor) + ".weight") ? kTimm : kHuggingFace;
  const std::string anchor = std::string(names.anchor) + ".weight";
  require(has_name_ending(tensors, anchor), "no tensor is called {}.weight or {}", kTimm.anchor,
          anchor);
  Vit vit{tensors, options, names, prefix_of(tensors, anchor)};
  const auto patch = sizes_of(tensors, vit.prefix + anchor, 4);
  require(patch[2] == patch[3], "expected square patches, got {} x {}", patch[2], patch[3]);
  const int64_t rows = sizes_of(tensors, vit.prefix + names.position, 3)[1];
  vit.width = patch[0];
  vit.heads = require_heads(options, vit.width);
  const bool class_token = has_class_token(vit, patch[2], rows);
  require(!class_token || options.pooling.empty() || options.pooling == "token",
          "global_pool = {} beside a class token: no such network is known here", options.pooling);
  Description d;
  d.input = image_of(options, patch[1], patch[2], class_token ? rows - 1 : rows);
  add_embeddings(vit, d, patch, rows, class_token);
  const int64_t blocks = count_blocks(tensors, vit.prefix + names.blocks);
  for (int64_t i = 0; i < blocks; ++i) vit.add_block(d.layers, i);
  add_end(vit, d, class_token);
  return d;
}

}  // namespace taut::models
