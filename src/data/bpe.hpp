#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/data/tokenizer.hpp"

namespace taut::data {

// Byte-level byte-pair encoding [Sennrich et al. 2016; Radford et al. 2019]: text begins as single
// bytes, and neighbours are merged, the pair of least rank first.
struct Bpe {
  struct Merge {
    int32_t rank = 0, token = 0;
  };
  std::vector<std::string> tokens;             // the bytes of every id
  std::array<int32_t, 256> byte{};             // the id of every single byte
  std::unordered_map<uint64_t, Merge> merges;  // by left id << 32 | right id
};

// From vocab.json (an object: token to id) and merges.txt (a line a pair, by rising rank; the first
// may be a #version) of a folder, as published for GPT-2. Error names file and line: what is not
// JSON; ids twice, or not 0 .. n - 1; tokens that stand for no bytes; a byte without a token;
// merges of unknown tokens, or twice.
Bpe read_bpe(const std::filesystem::path& folder);

// The tokens of one piece, which may be any bytes. Time n log n, so that a long piece is no trap.
std::vector<int32_t> merged(const Bpe& bpe, std::string_view piece);

// Text in pieces (pieces.hpp), each merged on its own.
Tokenizer bpe_tokens(Bpe bpe);

}  // namespace taut::data
