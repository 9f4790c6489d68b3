#include <ATen/ATen.h>

#include "src/core/core.hpp"
#include "src/data/catalog.hpp"
#include "src/data/data.hpp"
#include "src/data/readers.hpp"
#include "src/data/token_shards.hpp"

namespace taut::data {
namespace {

constexpr std::string_view kTextPrefix = "text:", kShardsPrefix = "shards:";

bool is_text(const Dataset& dataset) { return dataset.input.kind == models::InputKind::tokens; }

Dataset read_plain(const File& file, const DataOptions& options) {
  Dataset text =
      read_text(file, options.context, options.tokenizer.empty() ? "character" : options.tokenizer);
  const int64_t padded = options.vocabulary > 0 ? options.vocabulary : text.classes;
  require(padded >= text.classes,
          "data.vocabulary: expected at least the tokenizer's {} ids, got {}", text.classes,
          padded);
  text.classes = text.input.vocabulary = padded;
  return text;
}

// Labelled and shards read their options themselves.
Dataset read(const DataOptions& options) {
  if (options.name.starts_with(kTextPrefix)) {
    return read_plain(read_file(options.name.substr(kTextPrefix.size())), options);
  }
  if (options.name.starts_with(kShardsPrefix)) {
    return read_shards(options.name.substr(kShardsPrefix.size()), options);
  }
  if (options.name == "synthetic") return synthetic_images();
  if (options.name == "synthetic_text") {
    return read_plain({options.name, synthetic_sentences(), ""}, options);
  }
  const Known* known = find_known(options.name);
  require(known != nullptr, "{}", unknown_name("data set", options.name, all_names()));
  const std::filesystem::path folder = find_folder(*known);
  if (options.name == "digits") return read_digits(folder);
  if (options.name == "cifar10") return read_cifar10(folder);
  if (options.name == "mnist") return read_mnist(folder);
  if (options.name == "sst2") return read_labelled(folder, options);
  return read_plain(read_file(folder / "input.txt"), options);
}

}  // namespace

Dataset open_dataset(const DataOptions& options) {
  Dataset dataset = read(options);
  require(is_text(dataset) || (options.tokenizer.empty() && options.vocabulary == 0),
          "data.tokenizer and data.vocabulary: images have no tokens");
  dataset.name = options.name;
  if (options.name.starts_with("synthetic")) dataset.source = "made in memory";
  return dataset;
}

bool one_label_each(const Dataset& dataset) { return dataset.train.labels.defined(); }

int64_t size(const Dataset& dataset, const Split& split) {
  if (split.shards) return split.shards->windows;
  if (one_label_each(dataset)) return split.labels.size(0);
  const int64_t starts = split.values.size(0) - dataset.input.context;
  return starts <= 0 ? 0 : (starts - 1) / split.stride + 1;
}

Batch gather(const Dataset& dataset, const Split& split, const at::Tensor& indices) {
  if (!is_text(dataset)) {
    // A division, not a product with 1 / scale: the brightest pixel must be exactly 1.
    return {split.values.index_select(0, indices).to(at::kFloat).div(dataset.scale),
            split.labels.index_select(0, indices).unsqueeze(1)};
  }
  if (one_label_each(dataset)) {
    return {split.values.index_select(0, indices),
            split.labels.index_select(0, indices).unsqueeze(1)};
  }
  const int64_t context = dataset.input.context;
  const auto inputs_and_labels = [&](const at::Tensor& windows) -> Batch {
    return {windows.narrow(1, 0, context).contiguous(), windows.narrow(1, 1, context).contiguous()};
  };
  if (split.shards) return inputs_and_labels(gather_windows(*split.shards, indices));
  const at::Tensor offsets = at::arange(context + 1, indices.options());
  const at::Tensor positions = (indices * split.stride).unsqueeze(1) + offsets;
  return inputs_and_labels(
      split.values.index_select(0, positions.flatten()).view({-1, context + 1}));
}

}  // namespace taut::data
