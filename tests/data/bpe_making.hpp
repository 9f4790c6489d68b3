#pragma once

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "src/data/byte_alphabet.hpp"
#include "src/data/data.hpp"
#include "tests/data/making.hpp"

// Small byte-pair vocabularies, and the published algorithm as plainly as it can be written.
namespace taut::test {

using Symbols = std::vector<std::string>;  // printable
using Pair = std::pair<std::string, std::string>;

inline Symbols single_bytes(const std::string& bytes) {
  Symbols symbols;
  for (const char c : bytes) symbols.push_back(data::printable(std::string(1, c)));
  return symbols;
}

// Every place of the pair, from the left.
inline Symbols with_merged(const Symbols& symbols, const Pair& pair) {
  Symbols out;
  for (size_t i = 0; i < symbols.size(); ++i) {
    const bool here = i + 1 < symbols.size() && Pair(symbols[i], symbols[i + 1]) == pair;
    out.push_back(here ? symbols[i] + symbols[i + 1] : symbols[i]);
    if (here) ++i;
  }
  return out;
}

struct SmallBpe {
  std::vector<Pair> merges;           // by rank
  std::map<std::string, int64_t> id;  // of printable tokens

  // bpe() of encoder.py: the pair of least rank that is there, again and again.
  std::vector<int32_t> encode_piece(const std::string& bytes) const {
    Symbols symbols = single_bytes(bytes);
    for (;;) {
      size_t best = merges.size();
      for (size_t i = 0; i + 1 < symbols.size(); ++i) {
        const auto found =
            std::find(merges.begin(), merges.end(), Pair(symbols[i], symbols[i + 1]));
        best = std::min(best, static_cast<size_t>(found - merges.begin()));
      }
      if (best == merges.size()) break;
      symbols = with_merged(symbols, merges[best]);
    }
    std::vector<int32_t> ids;
    for (const std::string& symbol : symbols) ids.push_back(static_cast<int32_t>(id.at(symbol)));
    return ids;
  }

  void add(const std::string& left, const std::string& right) {
    merges.emplace_back(left, right);
    id.emplace(left + right, static_cast<int64_t>(id.size()));
  }

  void save(const std::filesystem::path& folder) const {
    nlohmann::json vocabulary(id);
    std::string lines = "#version: 0.2\n";
    for (const auto& [left, right] : merges) lines += left + " " + right + "\n";
    write(folder / "vocab.json", vocabulary.dump());
    write(folder / "merges.txt", lines);
  }
};

inline SmallBpe bytes_only() {
  SmallBpe bpe;
  for (int b = 0; b < 256; ++b) {
    bpe.id.emplace(data::printable(std::string(1, static_cast<char>(b))), b);
  }
  return bpe;
}

// The most frequent pair inside words, `count` times over.
inline SmallBpe trained_bpe(const std::string& text, int count) {
  std::vector<Symbols> words(1);
  for (const char c : text) {
    if (c == ' ' || c == '\n') words.emplace_back();
    words.back().push_back(data::printable(std::string(1, c)));
  }
  SmallBpe bpe = bytes_only();
  for (int i = 0; i < count; ++i) {
    std::map<Pair, int> times;
    for (const Symbols& word : words) {
      for (size_t k = 0; k + 1 < word.size(); ++k) ++times[{word[k], word[k + 1]}];
    }
    const auto best =
        std::max_element(times.begin(), times.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == times.end()) break;
    const Pair pair = best->first;
    bpe.add(pair.first, pair.second);
    for (Symbols& word : words) word = with_merged(word, pair);
  }
  return bpe;
}

// What most tests cut up: words, numbers, contractions, spaces of all kinds, several scripts.
inline std::string many_scripts() {
  return "It's the end, isn't it? We'll see; they've 3 of 1234567 they'd I'm 'S THE'LL\n\n\n  x\t "
         "\xc3\xa9t\xc3\xa9 na\xc3\xafve \xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 "
         "\xe4\xbd\xa0\xe5\xa5\xbd \xd9\xa3\xd9\xa4 "
         "\xf0\x9f\x98\x80\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd "
         "e\xcc\x81 a\xc2\xa0\xc2\xa0z \xc2\x85 q\xe1\xa0\x8e\xe1\xa0\x8ey "
         "\xe2\x80\xa8\xe3\x80\x80w "
         "\xe2\x80\x8bk \x1c\x1f m_n $5.00 \xc2\xbd \xe2\x85\xa7 #hash## <|endoftext|>   ";
}

}  // namespace taut::test
