#include <ATen/ATen.h>

#include <algorithm>

#include "src/core/error.hpp"
#include "src/data/readers.hpp"
#include "src/data/tokenizer.hpp"

namespace taut::data {
namespace {

at::Tensor tokens_of(const Tokenizer& tokenizer, const File& file) {
  std::vector<int32_t> tokens;
  try {
    tokens = encoded(tokenizer, file.bytes);
  } catch (const Error& error) {
    fail("{}: {}", file.path, error.what());
  }
  return at::tensor(tokens, at::kInt).to(at::kLong);
}

}  // namespace

Dataset read_text(const File& file, int64_t context, const std::string& tokenizer_name) {
  require(context >= 1, "expected a context of at least 1 token, got {}", context);
  require(file.bytes.find('\0') == std::string::npos, "{}: expected text, found a NUL byte",
          file.path);
  require(tokenizer_name != "word",
          "data.tokenizer: words do not give a text back, only labelled sentences are cut so");
  const Tokenizer tokenizer = open_tokenizer(tokenizer_name, {file.bytes}, 0);
  const at::Tensor ids = tokens_of(tokenizer, file);
  const int64_t length = ids.size(0);
  require(length / 2 > context,
          "{}: expected at least 2 x (context + 1) tokens for a context of {}, got {}", file.path,
          context, length);
  Dataset dataset;
  if (tokenizer_name == "character") dataset.symbols = distinct_bytes(file.bytes);
  dataset.classes = tokenizer.vocabulary;
  require(dataset.classes > 1, "{}: the text repeats one character", file.path);
  dataset.input = {
      .kind = models::InputKind::tokens, .context = context, .vocabulary = dataset.classes};
  dataset.source = file.path + " sha256 " + file.sha256;
  const int64_t held_out = std::max((length + 9) / 10, context + 1);
  dataset.train = {ids.narrow(0, 0, length - held_out), {}, 1};
  // Windows side by side: no held-out token is predicted twice.
  dataset.validation = {ids.narrow(0, length - held_out, held_out), {}, context};
  return dataset;
}

}  // namespace taut::data
