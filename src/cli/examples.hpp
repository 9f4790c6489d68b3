#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "models/network.hpp"

// Examples in a safetensors file: `input` as the network takes it (F32 pixels (N, C, H, W) or (N,
// F), or I64 token ids (N, tokens)) and `label` (I64, (N) or (N, rows)). Metadata low and high: the
// range of the pixels, [0, 1] without them.
namespace taut::cli {

struct ExampleFile {
  models::InputSpec input;  // without a vocabulary
  at::Tensor values;        // (N, C, H, W) or (N, tokens)
  at::Tensor label;         // (N, rows)
};

bool is_examples_file(const std::string& data);
ExampleFile read_examples(const std::string& path);

// The shape of the images of a data set or file; nothing where there are none.
std::optional<models::InputSpec> image_of(const std::string& data);

// Error unless the examples fit what the network takes, with one label in [0, classes) for each row
// of its logits.
void check_examples(const ExampleFile& examples, const models::Network& network,
                    const std::string& path);

}  // namespace taut::cli
