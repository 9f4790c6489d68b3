#include <ATen/ATen.h>

#include <algorithm>
#include <array>

#include "src/core/error.hpp"
#include "src/data/readers.hpp"

namespace taut::data {
namespace {

std::string distinct_bytes(const std::string& text) {
  std::array<bool, 256> present{};
  for (const char c : text) present[static_cast<uint8_t>(c)] = true;
  std::string symbols;
  for (size_t i = 0; i < present.size(); ++i) {
    if (present[i]) symbols += static_cast<char>(i);
  }
  return symbols;
}

at::Tensor to_ids(const std::string& text, const std::string& symbols) {
  std::array<int64_t, 256> id{};
  for (size_t i = 0; i < symbols.size(); ++i) {
    id[static_cast<uint8_t>(symbols[i])] = static_cast<int64_t>(i);
  }
  const at::Tensor ids = at::empty({static_cast<int64_t>(text.size())}, at::kLong);
  std::transform(text.begin(), text.end(), ids.mutable_data_ptr<int64_t>(),
                 [&](char c) { return id[static_cast<uint8_t>(c)]; });
  return ids;
}

}  // namespace

Dataset read_characters(const File& file, int64_t context) {
  require(context >= 1, "expected a context of at least 1 symbol, got {}", context);
  const auto length = static_cast<int64_t>(file.bytes.size());
  require(length / 2 > context,
          "{}: expected at least 2 x (context + 1) bytes for a context of {}, got {}", file.path,
          context, length);
  require(file.bytes.find('\0') == std::string::npos, "{}: expected text, found a NUL byte",
          file.path);
  Dataset dataset;
  dataset.symbols = distinct_bytes(file.bytes);
  dataset.classes = static_cast<int64_t>(dataset.symbols.size());
  require(dataset.classes > 1, "{}: the text repeats one character", file.path);
  dataset.input = {
      .kind = models::InputKind::tokens, .context = context, .vocabulary = dataset.classes};
  dataset.source = file.path + " sha256 " + file.sha256;
  const at::Tensor ids = to_ids(file.bytes, dataset.symbols);
  const int64_t held_out = std::max((length + 9) / 10, context + 1);
  dataset.train = {ids.narrow(0, 0, length - held_out), {}, 1};
  // Windows side by side: no held-out symbol is predicted twice.
  dataset.validation = {ids.narrow(0, length - held_out, held_out), {}, context};
  return dataset;
}

}  // namespace taut::data
