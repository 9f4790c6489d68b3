#include <ATen/ATen.h>

#include <algorithm>

#include "src/core/core.hpp"
#include "src/data/readers.hpp"
#include "src/data/tokenizer.hpp"

namespace taut::data {
namespace {

// Ids before those of the tokenizer.
constexpr int32_t kPad = 0, kUnknown = 1, kFirst = 2;
constexpr int64_t kClasses = 2;

struct Sentences {
  std::vector<std::string> text;
  std::vector<int64_t> label;
};

// A line "sentence<TAB>label".
void add_line(Sentences& sentences, std::string_view line) {
  const size_t tab = line.find('\t');
  require(tab != line.npos && line.find('\t', tab + 1) == line.npos,
          "expected a sentence, one tab and a label");
  const std::string_view text = line.substr(0, tab), label = line.substr(tab + 1);
  require(text.find_first_not_of(' ') != text.npos, "expected a sentence before the tab");
  require(label == "0" || label == "1", "expected the label 0 or 1, got '{}'", label);
  sentences.text.emplace_back(text);
  sentences.label.push_back(label == "1" ? 1 : 0);
}

Sentences sentences_of(const File& file) {
  Sentences sentences;
  for_each_line(file, [&](std::string_view line, int64_t number) {
    // GLUE's own files begin with the names of the columns.
    if (number > 1 || line != "sentence\tlabel") add_line(sentences, line);
  });
  require(!sentences.text.empty(), "{} holds no sentences", file.path);
  return sentences;
}

// The first `context` tokens of every sentence, filled up with <pad>.
Split split_of(const File& file, const Sentences& sentences, const Tokenizer& tokenizer,
               int64_t context) {
  const auto count = static_cast<int64_t>(sentences.text.size());
  const at::Tensor values = at::full({count, context}, int64_t{kPad}, at::kLong);
  auto* row = values.mutable_data_ptr<int64_t>();
  for (const std::string& text : sentences.text) {
    std::vector<int32_t> tokens;
    try {
      tokens = encoded(tokenizer, text);
    } catch (const Error& error) {
      fail("{}, sentence {}: {}", file.path, &text - sentences.text.data() + 1, error.what());
    }
    tokens.resize(std::min(tokens.size(), static_cast<size_t>(context)));
    std::transform(tokens.begin(), tokens.end(), row, [](int32_t token) {
      return token == kUnknownToken ? kUnknown : token + kFirst;
    });
    row += context;
  }
  return {values, at::tensor(sentences.label, at::kLong), 1};
}

}  // namespace

Dataset read_labelled(const std::filesystem::path& folder, const DataOptions& options) {
  require(options.context >= 1, "expected a context of at least 1 token, got {}", options.context);
  const File train = read_file(plain_or_packed(folder / "train.tsv"));
  const File held_out = read_file(plain_or_packed(folder / "dev.tsv"));
  const Sentences sentences = sentences_of(train);
  const std::string name = options.tokenizer.empty() ? "word" : options.tokenizer;
  const Tokenizer tokenizer = open_tokenizer(name, sentences.text, options.vocabulary);
  Dataset dataset;
  dataset.classes = kClasses;
  dataset.input = {.kind = models::InputKind::tokens,
                   .context = options.context,
                   .vocabulary = tokenizer.vocabulary + kFirst};
  dataset.source =
      fmt::format("{}: {}, {}", folder.string(), fingerprint(train), fingerprint(held_out));
  dataset.train = split_of(train, sentences, tokenizer, options.context);
  dataset.validation = split_of(held_out, sentences_of(held_out), tokenizer, options.context);
  return dataset;
}

}  // namespace taut::data
