#include <ATen/ATen.h>

#include "src/core/core.hpp"
#include "src/data/catalog.hpp"
#include "src/data/data.hpp"
#include "src/data/readers.hpp"

namespace taut::data {
namespace {

constexpr std::string_view kTextPrefix = "text:";

bool is_text(const Dataset& dataset) { return dataset.input.kind == models::InputKind::tokens; }

Dataset read(const DataOptions& options) {
  if (options.name.starts_with(kTextPrefix)) {
    return read_characters(read_file(options.name.substr(kTextPrefix.size())), options.context);
  }
  if (options.name == "synthetic") return synthetic_images();
  if (options.name == "synthetic_text") {
    return read_characters({options.name, synthetic_sentences(), ""}, options.context);
  }
  const Known* known = find_known(options.name);
  require(known != nullptr, "{}", unknown_name("data set", options.name, all_names()));
  const std::filesystem::path folder = find_folder(*known);
  if (options.name == "digits") return read_digits(folder);
  if (options.name == "cifar10") return read_cifar10(folder);
  if (options.name == "mnist") return read_mnist(folder);
  return read_characters(read_file(folder / "input.txt"), options.context);
}

}  // namespace

Dataset open_dataset(const DataOptions& options) {
  Dataset dataset = read(options);
  dataset.name = options.name;
  if (options.name.starts_with("synthetic")) dataset.source = "made in memory";
  return dataset;
}

int64_t size(const Dataset& dataset, const Split& split) {
  if (!is_text(dataset)) return split.labels.size(0);
  const int64_t starts = split.values.size(0) - dataset.input.context;
  return starts <= 0 ? 0 : (starts - 1) / split.stride + 1;
}

Batch gather(const Dataset& dataset, const Split& split, const at::Tensor& indices) {
  if (!is_text(dataset)) {
    // A division, not a product with 1 / scale: the brightest pixel must be exactly 1.
    return {split.values.index_select(0, indices).to(at::kFloat).div(dataset.scale),
            split.labels.index_select(0, indices).unsqueeze(1)};
  }
  const int64_t context = dataset.input.context;
  const at::Tensor offsets = at::arange(context + 1, indices.options());
  const at::Tensor positions = (indices * split.stride).unsqueeze(1) + offsets;
  const at::Tensor windows =
      split.values.index_select(0, positions.flatten()).view({-1, context + 1});
  return {windows.narrow(1, 0, context).contiguous(), windows.narrow(1, 1, context).contiguous()};
}

}  // namespace taut::data
