#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/description.hpp"

// Networks that other programs have trained, known by the names of their tensors.
namespace taut::models {

// What stands in no tensor. Zero or empty: not said; the architecture's own where it has one.
struct ForeignOptions {
  int64_t heads = 0;
  std::string activation{};
  double norm_eps = 0;
  int64_t context = 0;  // tokens; at most the rows of the position table, the default
  // of the pixels, one number or one a channel; none: as they are
  std::vector<double> mean{}, std{};
  // What the same tensors may mean besides, where something says it: timm's global_pool, Hugging
  // Face's class.
  std::string pooling{}, saved_class{};
  std::optional<InputSpec> input{};  // of the data: the shape of an mlp's images, the pixels' range
};

// mlp      linear layers in the order of the numbers in their names, or the only one that fits
// nanogpt  as its train.py saves it: linear layers (out, in), biases or none
// gpt2     as Hugging Face saves it: Conv1D layers (in, out)
// vit      timm's names or Hugging Face's, class token or, where there is none, mean pooling
// bert     as Hugging Face saves BertForSequenceClassification: pooler, classifier on token 0
// minilm   the same encoder under mean pooling, with a classifier or none
const std::vector<std::string>& foreign_names();

// How `tensors` make the architecture. Error for an unknown name, for tensors from which its sizes
// cannot be read, and for what is not said and must be; other faults are left to assemble().
Description describe_foreign(const std::string& name, const NamedTensors& tensors,
                             const ForeignOptions& options);

}  // namespace taut::models
