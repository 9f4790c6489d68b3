#pragma once

#include "models/foreign/foreign.hpp"

// What the architectures of this folder have in common.
namespace taut::models {

Description describe_mlp(const NamedTensors& tensors, const ForeignOptions& options);
Description describe_gpt(const NamedTensors& tensors, const ForeignOptions& options, bool conv1d);
Description describe_vit(const NamedTensors& tensors, const ForeignOptions& options);
Description describe_bert(const NamedTensors& tensors, const ForeignOptions& options,
                          bool mean_pooling);

// What stands before `anchor` in the one name that ends with it. Error unless there is exactly one.
std::string prefix_of(const NamedTensors& tensors, const std::string& anchor);
bool has_name_ending(const NamedTensors& tensors, const std::string& ending);

// The sizes of a tensor that must be there and have `rank` dimensions, none of them 0.
std::vector<int64_t> sizes_of(const NamedTensors& tensors, const std::string& name, size_t rank);

// One more than the largest number that follows `prefix` in a name; at most 10000.
int64_t count_blocks(const NamedTensors& tensors, const std::string& prefix);

int64_t require_heads(const ForeignOptions& options, int64_t width);
int64_t context_of(const ForeignOptions& options, int64_t rows);
Curve curve_or(const ForeignOptions& options, Curve usual);
double eps_or(const ForeignOptions& options, double usual);

// Layers whose tensors are `from`.weight and, where said, `from`.bias.
DescribedLayer linear_layer(const std::string& name, const std::string& from, int64_t out,
                            int64_t in, bool bias, bool transposed = false);
DescribedLayer norm_layer(const std::string& name, const std::string& from, int64_t width,
                          double eps, bool bias);
DescribedLayer position_layer(const std::string& name, Source table);
DescribedLayer activation_layer(const std::string& name, Curve curve);
DescribedLayer residual_layer(const std::string& name, std::vector<DescribedLayer> branch);

// Attention with logits <q, k> / sqrt(d_head) whose query, key and value stand in one matrix or in
// three; `from` names them without ".weight".
struct AttentionNames {
  std::vector<std::string> from;  // query, key and value, or all three in one
  std::string output;
  bool bias = true, output_bias = true;
  bool transposed = false;
};
DescribedLayer attention_layer(const std::string& name, const AttentionNames& names, int64_t heads,
                               int64_t width, bool causal);

// Layers before the first of a network on images: the normalisation of `options`, if any.
std::vector<DescribedLayer> pixel_layers(const ForeignOptions& options, int64_t channels);

}  // namespace taut::models
