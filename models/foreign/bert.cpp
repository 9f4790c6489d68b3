#include "models/foreign/parts.hpp"
#include "src/core/core.hpp"

// BERT [Devlin et al. 2019]: post-LayerNorm blocks, learned positions, every token of type 0.
// Sequences of one length, without padding.
namespace taut::models {
namespace {

struct Bert {
  const NamedTensors& tensors;
  const ForeignOptions& options;
  std::string prefix;  // "bert." or nothing
  int64_t width = 0, heads = 0;

  DescribedLayer norm(const std::string& name, const std::string& from) const {
    return norm_layer(name, from, width, eps_or(options, 1e-12), true);
  }

  void add_embeddings(Description& d) const {
    const std::string from = prefix + "embeddings.";
    const auto table = sizes_of(tensors, from + "word_embeddings.weight", 2);
    const auto positions = sizes_of(tensors, from + "position_embeddings.weight", 2);
    const auto types = sizes_of(tensors, from + "token_type_embeddings.weight", 2);
    d.input.kind = InputKind::tokens;
    d.input.vocabulary = table[0];
    d.input.context = context_of(options, positions[0]);
    DescribedLayer embedding{{"embedding", Embedding{}}};
    embedding.tensors["table"] = {.from = from + "word_embeddings.weight", .shape = table};
    d.layers.push_back(embedding);
    d.layers.push_back(position_layer(
        "token_type",
        {.from = from + "token_type_embeddings.weight", .shape = {1, width}, .parts = types[0]}));
    d.layers.push_back(position_layer(
        "position", {.from = from + "position_embeddings.weight", .shape = {positions[0], width}}));
    d.layers.push_back(norm("norm", from + "LayerNorm"));
  }

  void add_block(std::vector<DescribedLayer>& layers, int64_t index) const {
    const std::string from = fmt::format("{}encoder.layer.{}.", prefix, index);
    const std::string name = fmt::format("blocks.{}.", index), self = from + "attention.self.";
    AttentionNames names{{self + "query", self + "key", self + "value"},
                         from + "attention.output.dense"};
    layers.push_back(
        residual_layer(name + "attention_residual",
                       {attention_layer(name + "attention", names, heads, width, false)}));
    layers.push_back(norm(name + "attention_norm", from + "attention.output.LayerNorm"));
    const auto up = sizes_of(tensors, prefix + "encoder.layer.0.intermediate.dense.weight", 2);
    layers.push_back(residual_layer(
        name + "mlp_residual",
        {linear_layer(name + "mlp.up", from + "intermediate.dense", up[0], width, true),
         activation_layer(name + "mlp.activation", curve_or(options, Curve::gelu)),
         linear_layer(name + "mlp.down", from + "output.dense", width, up[0], true)}));
    layers.push_back(norm(name + "mlp_norm", from + "output.LayerNorm"));
  }
};

}  // namespace

Description describe_bert(const NamedTensors& tensors, const ForeignOptions& options,
                          bool mean_pooling) {
  Bert bert{tensors, options, prefix_of(tensors, "embeddings.word_embeddings.weight")};
  bert.width = sizes_of(tensors, bert.prefix + "embeddings.word_embeddings.weight", 2)[1];
  bert.heads = require_heads(options, bert.width);
  require(!mean_pooling || options.saved_class != "BertForSequenceClassification",
          "the classifier of {} reads the first token and not the mean: --model bert",
          options.saved_class);
  Description d;
  bert.add_embeddings(d);
  const int64_t blocks = count_blocks(tensors, bert.prefix + "encoder.layer.");
  for (int64_t i = 0; i < blocks; ++i) bert.add_block(d.layers, i);
  if (mean_pooling) {
    d.layers.push_back({{"pool", Pool{}}});
    d.ignored.push_back(bert.prefix + "pooler.dense.*");
  } else {
    d.layers.push_back({{"select", Select{0}}});
    d.layers.push_back(
        linear_layer("pooler", bert.prefix + "pooler.dense", bert.width, bert.width, true));
    d.layers.push_back(activation_layer("pooler_activation", Curve::tanh));
  }
  if (!mean_pooling || has_name_ending(tensors, "classifier.weight")) {
    const std::string head = prefix_of(tensors, "classifier.weight") + "classifier";
    const auto classes = sizes_of(tensors, head + ".weight", 2);
    d.layers.push_back(linear_layer("head", head, classes[0], bert.width, true));
  }
  d.ignored.push_back(bert.prefix + "embeddings.position_ids");
  return d;
}

}  // namespace taut::models
