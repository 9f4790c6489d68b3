#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace taut::data {

// What word and character tokens give for text outside their vocabulary.
inline constexpr int32_t kUnknownToken = -1;

using TakeToken = std::function<void(int32_t)>;

// Text to ids in [0, vocabulary), or kUnknownToken, and back.
struct Tokenizer {
  int64_t vocabulary = 0;
  // Calls `take` with every token, in order. Error where the text has none (BPE: not UTF-8).
  std::function<void(std::string_view text, const TakeToken& take)> encode;
  std::function<std::string(int64_t token)> decode;  // the bytes of one
};

Tokenizer byte_tokens();
Tokenizer character_tokens(const std::string& symbols);  // ids are places in `symbols`
// Ids are places in `words`. Text is cut at spaces; decoding loses how many.
Tokenizer word_tokens(std::vector<std::string> words);

std::string distinct_bytes(std::string_view text);  // sorted
// The `most` most frequent words (0: all of them) that occur at least twice: a word seen once would
// leave nothing that teaches what to do with an unknown one. Equally frequent ones by their bytes.
std::vector<std::string> frequent_words(const std::vector<std::string>& texts, int64_t most);

// `name` is byte, character, word or bpe:FOLDER, `texts` is what the vocabulary of characters and
// words is taken from. Error lists the known ones.
Tokenizer open_tokenizer(const std::string& name, const std::vector<std::string>& texts,
                         int64_t most_words);

std::vector<int32_t> encoded(const Tokenizer& tokenizer, std::string_view text);

}  // namespace taut::data
