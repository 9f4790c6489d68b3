#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "src/data/data.hpp"
#include "src/io/mapping.hpp"

// Tokens of a large text in files that are mapped, not read. The layout is that of llm.c
// (dev/data/data_common.py: write_datafile) and modded-nanogpt: a header of 256 little-endian int32
// - magic 20240520, version 1, number of tokens, then, which both leave 0 and skip, the size of the
// vocabulary or 0 - and the tokens as uint16. The count is an int32: a shard holds fewer than 2^31
// tokens, 4 GiB.
namespace taut::data {

struct Shard {
  std::string path;
  std::shared_ptr<const io::Mapping> file;
  std::span<const uint16_t> tokens;
  int64_t vocabulary = 0;    // 0: not said
  int64_t first_window = 0;  // windows in the shards before
};

// Windows of context + 1 tokens every `stride` tokens, shard after shard; none crosses from one to
// the next.
struct TokenShards {
  std::vector<Shard> shards;
  int64_t context = 0, stride = 0, windows = 0;
  int64_t vocabulary = 0;  // ids are below it
};

// Error unless header and size of the file agree. Looks at no token: those of a window are checked
// when it is gathered.
Shard open_shard(const std::filesystem::path& path);

// The whole file or none. Error for 2^31 tokens or more.
void write_shard(const std::filesystem::path& path, std::span<const uint16_t> tokens,
                 int64_t vocabulary);

// int64 (B, context + 1). Error names the shard and the place of an id outside the vocabulary.
at::Tensor gather_windows(const TokenShards& shards, const at::Tensor& indices);

// The shards of a folder: *_train_*.bin and *_val_*.bin, by sorted names, in windows side by side.
Dataset read_shards(const std::filesystem::path& folder, const DataOptions& options);

}  // namespace taut::data
