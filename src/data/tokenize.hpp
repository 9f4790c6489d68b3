#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace taut::data {

struct TokenizeOptions {
  std::string tokenizer = "byte";    // byte | bpe:FOLDER
  int64_t shard_tokens = 100000000;  // in one shard, [2, 2^31)
  double validation = 0.1;           // share of the text, from its end, (0, 1)
};

struct Tokenized {
  int64_t bytes = 0, train = 0, validation = 0;  // tokens
  int64_t shards = 0, vocabulary = 0;
  bool interrupted = false;  // nothing was written
};

// Writes text as shards (token_shards.hpp) OUT/NAME_train_000000.bin and so on, NAME that of the
// text with - for _. The validation part begins at a line. OUT appears when all of it is there;
// Error when it is there already and not empty.
Tokenized tokenize(const std::filesystem::path& text, const std::filesystem::path& out,
                   const TokenizeOptions& options);

}  // namespace taut::data
