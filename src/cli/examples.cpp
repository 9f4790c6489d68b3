#include "src/cli/examples.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdlib>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/data/data.hpp"
#include "src/io/safetensors.hpp"

namespace taut::cli {
namespace {

at::Tensor tensor_of(const io::TensorFile& file, const char* name, const std::string& path) {
  std::vector<std::string> names;
  for (const auto& [known, tensor] : file.tensors) names.push_back(known);
  const auto found = file.tensors.find(name);
  require(found != file.tensors.end(), "{}: expected tensors input and label, got {}", path,
          names.empty() ? "none" : join(names, ", ").substr(0, 200));
  return found->second;
}

double bound_of(const io::TensorFile& file, const char* name, double usual,
                const std::string& path) {
  const auto found = file.metadata.find(name);
  if (found == file.metadata.end()) return usual;
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  require(!found->second.empty() && *end == '\0' && std::isfinite(value),
          "{}: expected the metadata {} to be a number, got '{}'", path, name,
          found->second.substr(0, 100));
  return value;
}

}  // namespace

bool is_examples_file(const std::string& data) { return data.ends_with(".safetensors"); }

ExampleFile read_examples(const std::string& path) {
  const io::TensorFile file = io::read_safetensors(path);
  ExampleFile examples;
  examples.values = tensor_of(file, "input", path);
  examples.label = tensor_of(file, "label", path);
  if (examples.label.dim() == 1) examples.label = examples.label.unsqueeze(1);
  const bool ids = examples.values.scalar_type() == at::kLong;
  if (!ids && examples.values.dim() == 2)
    examples.values = examples.values.unsqueeze(1).unsqueeze(1);
  const at::Tensor& x = examples.values;
  require(
      x.numel() > 0 && (ids ? x.dim() == 2 : x.dim() == 4 && x.scalar_type() == at::kFloat),
      "{}: expected input of I64 ids (N, tokens) or of F32 pixels (N, C, H, W) or (N, F), got {} "
      "of shape {}",
      path, toString(x.scalar_type()), shape_text(x.sizes()));
  require(examples.label.dim() == 2 && examples.label.scalar_type() == at::kLong &&
              examples.label.size(0) == x.size(0) && examples.label.numel() > 0,
          "{}: expected I64 labels of {} examples, got {} of shape {}", path, x.size(0),
          toString(examples.label.scalar_type()), shape_text(examples.label.sizes()));
  models::InputSpec& input = examples.input;
  input.kind = ids ? models::InputKind::tokens : models::InputKind::pixels;
  if (ids) {
    input.context = x.size(1);
    return examples;
  }
  input.channels = x.size(1), input.height = x.size(2), input.width = x.size(3);
  input.low = bound_of(file, "low", 0, path);
  input.high = bound_of(file, "high", 1, path);
  return examples;
}

std::optional<models::InputSpec> image_of(const std::string& data) {
  if (data.empty()) return std::nullopt;
  if (is_examples_file(data)) return read_examples(data).input;
  const models::InputSpec input = data::open_dataset({.name = data, .context = 1}).input;
  if (input.kind != models::InputKind::pixels) return std::nullopt;
  return input;
}

void check_examples(const ExampleFile& examples, const models::Network& network,
                    const std::string& path) {
  const at::NoGradGuard no_grad;
  const models::InputSpec& input = network.input;
  require(examples.input.kind == input.kind, "{} holds {}, the network takes {}", path,
          examples.input.kind == models::InputKind::pixels ? "pixels" : "token ids",
          input.kind == models::InputKind::pixels ? "pixels" : "token ids");
  require(input.kind == models::InputKind::pixels || examples.input.context == input.context,
          "{} holds sequences of {} tokens, the network takes {}: --context sets that", path,
          examples.input.context, input.context);
  try {
    models::check_input(input, examples.values);
  } catch (const Error& error) {
    fail("{}: {}", path, error.what());
  }
  const at::Tensor logits = models::forward(network, examples.values.narrow(0, 0, 1));
  const at::Tensor& label = examples.label;
  require(label.size(1) == logits.size(1), "{}: expected {} labels an example, got {}", path,
          logits.size(1), label.size(1));
  const auto low = label.min().item<int64_t>(), high = label.max().item<int64_t>();
  require(low >= 0 && high < logits.size(2), "{}: expected labels in [0, {}), got {} to {}", path,
          logits.size(2), low, high);
}

}  // namespace taut::cli
