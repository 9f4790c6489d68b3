#include "src/data/tokenizer.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>

#include "src/core/core.hpp"
#include "src/data/bpe.hpp"

namespace taut::data {
namespace {

constexpr std::string_view kBpePrefix = "bpe:";

template <class Take>
void for_each_word(std::string_view text, Take&& take) {
  constexpr std::string_view kSpaces = " \t\r\n\v\f";
  for (size_t begin = 0; (begin = text.find_first_not_of(kSpaces, begin)) != text.npos;) {
    const size_t end = std::min(text.find_first_of(kSpaces, begin), text.size());
    take(text.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace

Tokenizer byte_tokens() {
  Tokenizer tokenizer;
  tokenizer.vocabulary = 256;
  tokenizer.encode = [](std::string_view text, const TakeToken& take) {
    for (const char c : text) take(static_cast<uint8_t>(c));
  };
  tokenizer.decode = [](int64_t token) { return std::string(1, static_cast<char>(token)); };
  return tokenizer;
}

Tokenizer character_tokens(const std::string& symbols) {
  std::array<int32_t, 256> id;
  id.fill(kUnknownToken);
  for (size_t i = 0; i < symbols.size(); ++i) {
    id[static_cast<uint8_t>(symbols[i])] = static_cast<int32_t>(i);
  }
  Tokenizer tokenizer;
  tokenizer.vocabulary = static_cast<int64_t>(symbols.size());
  tokenizer.encode = [id](std::string_view text, const TakeToken& take) {
    for (const char c : text) take(id[static_cast<uint8_t>(c)]);
  };
  tokenizer.decode = [symbols](int64_t token) {
    return std::string(1, symbols.at(static_cast<size_t>(token)));
  };
  return tokenizer;
}

Tokenizer word_tokens(std::vector<std::string> words) {
  const auto list = std::make_shared<const std::vector<std::string>>(std::move(words));
  std::unordered_map<std::string_view, int32_t> id;
  for (size_t i = 0; i < list->size(); ++i) id.emplace((*list)[i], static_cast<int32_t>(i));
  Tokenizer tokenizer;
  tokenizer.vocabulary = static_cast<int64_t>(list->size());
  tokenizer.encode = [list, id = std::move(id)](std::string_view text, const TakeToken& take) {
    for_each_word(text, [&](std::string_view word) {
      const auto found = id.find(word);
      take(found == id.end() ? kUnknownToken : found->second);
    });
  };
  tokenizer.decode = [list](int64_t token) { return list->at(static_cast<size_t>(token)); };
  return tokenizer;
}

std::string distinct_bytes(std::string_view text) {
  std::array<bool, 256> present{};
  for (const char c : text) present[static_cast<uint8_t>(c)] = true;
  std::string symbols;
  for (size_t i = 0; i < present.size(); ++i) {
    if (present[i]) symbols += static_cast<char>(i);
  }
  return symbols;
}

std::vector<std::string> frequent_words(const std::vector<std::string>& texts, int64_t most) {
  std::unordered_map<std::string_view, int64_t> times;
  for (const std::string& text : texts) {
    for_each_word(text, [&](std::string_view word) { ++times[word]; });
  }
  std::vector<std::pair<std::string_view, int64_t>> counted;
  for (const auto& [word, count] : times) {
    if (count >= 2) counted.emplace_back(word, count);
  }
  std::sort(counted.begin(), counted.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::vector<std::string> words;
  for (const auto& [word, count] : counted) {
    if (most > 0 && static_cast<int64_t>(words.size()) == most) break;
    words.emplace_back(word);
  }
  return words;
}

Tokenizer open_tokenizer(const std::string& name, const std::vector<std::string>& texts,
                         int64_t most_words) {
  require(most_words == 0 || name == "word",
          "data.vocabulary: only words and shards leave a choice, not the tokenizer '{}'", name);
  if (name == "byte") return byte_tokens();
  if (name == "character") return character_tokens(distinct_bytes(join(texts, "")));
  if (name == "word") return word_tokens(frequent_words(texts, most_words));
  if (name.starts_with(kBpePrefix)) return bpe_tokens(read_bpe(name.substr(kBpePrefix.size())));
  fail("{}", unknown_name("tokenizer", name, {"byte", "character", "word", "bpe:FOLDER"}));
}

std::vector<int32_t> encoded(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> tokens;
  tokenizer.encode(text, [&](int32_t token) { tokens.push_back(token); });
  return tokens;
}

}  // namespace taut::data
