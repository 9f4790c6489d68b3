#include "src/data/bpe.hpp"

#include <memory>
#include <queue>

#include "src/core/error.hpp"
#include "src/data/pieces.hpp"

namespace taut::data {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);
constexpr size_t kMostRemembered = 1 << 16;  // pieces

struct Symbol {
  int32_t token = 0;  // -1: merged into the one before
  size_t before = kNone, after = kNone;
};

struct Candidate {
  int32_t rank = 0;
  size_t left = 0;
  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

const Bpe::Merge* merge_of(const Bpe& bpe, const std::vector<Symbol>& symbols, size_t left) {
  if (left == kNone || symbols[left].token < 0 || symbols[left].after == kNone) return nullptr;
  const auto a = static_cast<uint32_t>(symbols[left].token);
  const auto b = static_cast<uint32_t>(symbols[symbols[left].after].token);
  const auto found = bpe.merges.find(uint64_t{a} << 32 | b);
  return found == bpe.merges.end() ? nullptr : &found->second;
}

void join(std::vector<Symbol>& symbols, size_t left, int32_t token) {
  const size_t right = symbols[left].after;
  symbols[left].token = token;
  symbols[left].after = symbols[right].after;
  if (symbols[right].after != kNone) symbols[symbols[right].after].before = left;
  symbols[right] = {-1, kNone, kNone};
}

std::vector<Symbol> symbols_of(const Bpe& bpe, std::string_view piece) {
  std::vector<Symbol> symbols(piece.size());
  for (size_t i = 0; i < piece.size(); ++i) {
    symbols[i] = {bpe.byte[static_cast<uint8_t>(piece[i])], i == 0 ? kNone : i - 1,
                  i + 1 == piece.size() ? kNone : i + 1};
  }
  return symbols;
}

}  // namespace

std::vector<int32_t> merged(const Bpe& bpe, std::string_view piece) {
  std::vector<Symbol> symbols = symbols_of(bpe, piece);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> waiting;
  std::vector<Candidate> found;
  const auto look = [&](size_t left) {
    if (const Bpe::Merge* merge = merge_of(bpe, symbols, left))
      found.push_back({merge->rank, left});
  };
  for (size_t i = 0; i < symbols.size(); ++i) look(i);
  // In rounds, as published: all pairs of the least rank, from the left, before any pair that they
  // give rise to, even where the file ranks such a pair before its own parts.
  while (!waiting.empty() || !found.empty()) {
    for (const Candidate& candidate : found) waiting.push(candidate);
    found.clear();
    if (waiting.empty()) break;
    const int32_t rank = waiting.top().rank;
    while (!waiting.empty() && waiting.top().rank == rank) {
      const size_t left = waiting.top().left;
      waiting.pop();
      const Bpe::Merge* merge = merge_of(bpe, symbols, left);
      if (merge == nullptr || merge->rank != rank) continue;  // a part has gone elsewhere
      join(symbols, left, merge->token);
      look(symbols[left].before);
      look(left);
    }
  }
  std::vector<int32_t> tokens;
  for (size_t i = piece.empty() ? kNone : 0; i != kNone; i = symbols[i].after) {
    tokens.push_back(symbols[i].token);
  }
  return tokens;
}

Tokenizer bpe_tokens(Bpe from) {
  const auto bpe = std::make_shared<const Bpe>(std::move(from));
  // Most pieces of a text are words that came before.
  const auto known = std::make_shared<std::unordered_map<std::string, std::vector<int32_t>>>();
  Tokenizer tokenizer;
  tokenizer.vocabulary = static_cast<int64_t>(bpe->tokens.size());
  tokenizer.encode = [bpe, known](std::string_view text, const TakeToken& take) {
    for_each_piece(text, [&](std::string_view piece) {
      std::string key(piece);
      auto found = known->find(key);
      if (found == known->end()) {
        if (known->size() >= kMostRemembered) known->clear();
        found = known->emplace(std::move(key), merged(*bpe, piece)).first;
      }
      for (const int32_t token : found->second) take(token);
    });
  };
  tokenizer.decode = [bpe](int64_t token) { return bpe->tokens.at(static_cast<size_t>(token)); };
  return tokenizer;
}

}  // namespace taut::data
