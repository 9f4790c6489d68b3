#include <nlohmann/json.hpp>
#include <set>

#include "src/core/core.hpp"
#include "src/io/descriptor.hpp"
#include "src/io/format.hpp"
#include "src/io/run.hpp"
#include "src/io/tree_values.hpp"
#include "src/io/weights.hpp"

namespace taut::io {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kMaxBytes = uintmax_t{1} << 20;

// The object in a JSON file, or null where there is no such file.
Tree object_in(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return nullptr;
  require(fs::file_size(path) <= kMaxBytes, "it has more than {} bytes", kMaxBytes);
  const Tree tree = Tree::parse(read_text(path), nullptr, /*allow_exceptions=*/false);
  require(tree.is_object(), "expected a JSON object");
  return tree;
}

// The first key that is there.
const Tree* first(const Tree& tree, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto found = tree.find(key);
    if (found != tree.end() && !found->is_null()) return &*found;
  }
  return nullptr;
}

// Settings under which the same tensors are another network.
void refuse_variants(const Tree& config) {
  const auto usual = [&](const char* key, const Tree& value) {
    const Tree* found = first(config, {key});
    require(found == nullptr || *found == value, "{} = {}: no such network is known here", key,
            found == nullptr ? "" : found->dump().substr(0, 100));
  };
  usual("position_embedding_type", "absolute");
  usual("scale_attn_by_inverse_layer_idx", false);
  usual("scale_attn_weights", true);
  usual("is_decoder", false);
  // RoBERTa and its kin count positions from the padding token on.
  const Tree* type = first(config, {"model_type"});
  static const std::set<Tree> known{"bert", "gpt2", "vit"};
  require(type == nullptr || known.count(*type) > 0,
          "model_type = {}: no such network is known here, only bert, gpt2, vit",
          type == nullptr ? "" : type->dump().substr(0, 100));
  usual("add_cross_attention", false);
}

void complete(models::ForeignOptions& options, const Tree& config) {
  refuse_variants(config);
  const Tree* heads = first(config, {"num_attention_heads", "n_head"});
  if (heads != nullptr && options.heads == 0) options.heads = integer_at(*heads, "heads");
  const Tree* curve = first(config, {"hidden_act", "activation_function"});
  if (curve != nullptr && options.activation.empty())
    options.activation = text_at(*curve, "activation");
  const Tree* pooling = first(config, {"global_pool"});
  if (pooling != nullptr) options.pooling = text_at(*pooling, "global_pool");
  const Tree* classes = first(config, {"architectures"});
  if (classes != nullptr && classes->is_array() && classes->size() == 1 &&
      classes->front().is_string())
    options.saved_class = classes->front().get<std::string>();
  const Tree* eps = first(config, {"layer_norm_eps", "layer_norm_epsilon"});
  if (eps == nullptr || options.norm_eps != 0) return;
  options.norm_eps = number_at(*eps, "layer_norm_eps");
  require(options.norm_eps > 0, "expected layer_norm_eps > 0, got {}", options.norm_eps);
}

void complete_pixels(models::ForeignOptions& options, const Tree& config) {
  const Tree *mean = first(config, {"image_mean"}), *deviation = first(config, {"image_std"});
  if (mean == nullptr || deviation == nullptr || !options.mean.empty()) return;
  const Tree* normalize = first(config, {"do_normalize"});
  if (normalize != nullptr && !truth_at(*normalize, "do_normalize")) return;
  options.mean = numbers_at(*mean, "image_mean");
  options.std = numbers_at(*deviation, "image_std");
}

}  // namespace

std::vector<std::string> complete_from_neighbours(const fs::path& weights,
                                                  models::ForeignOptions& options) {
  std::vector<std::string> read;
  const auto look = [&](const char* name, auto&& use) {
    const fs::path path = folder_of(weights) / name;
    explain(path.string(), [&] {
      const Tree tree = object_in(path);
      if (tree.is_null()) return;
      use(options, tree);
      read.push_back(path.string());
    });
  };
  look("config.json", complete);
  look("preprocessor_config.json", complete_pixels);
  return read;
}

}  // namespace taut::io
