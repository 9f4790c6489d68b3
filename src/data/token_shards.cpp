#include "src/data/token_shards.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "src/core/core.hpp"
#include "src/data/tokenizer.hpp"
#include "src/io/draft.hpp"

namespace taut::data {
namespace {

namespace fs = std::filesystem;

constexpr int32_t kMagic = 20240520, kVersion = 1;
constexpr int64_t kMostIds = int64_t{1} << 16;
constexpr const char *kTrain = "_train_", *kValidation = "_val_";  // in names of files
using Header = std::array<int32_t, 256>;

std::vector<fs::path> shard_files(const fs::path& folder, const std::string& part) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    const std::string name = i->path().filename().string();
    if (!name.ends_with(".bin") || name.find(part) == name.npos) continue;
    require(name.find(kTrain) == name.npos || name.find(kValidation) == name.npos,
            "{} is named as training and as validation", i->path().string());
    files.push_back(i->path());
  }
  require(!error, "cannot list the shards in {}: {}", folder.string(), error.message());
  require(!files.empty(), "expected token shards *{}*.bin in {}", part, folder.string());
  std::sort(files.begin(), files.end());
  return files;
}

TokenShards open_shards(const fs::path& folder, const std::string& part, int64_t context) {
  TokenShards all;
  all.context = all.stride = context;
  for (const fs::path& file : shard_files(folder, part)) {
    Shard shard = open_shard(file);
    require(all.shards.empty() || shard.vocabulary == all.vocabulary,
            "{} has a vocabulary of {}, {} one of {}", shard.path, shard.vocabulary,
            all.shards.empty() ? "" : all.shards.front().path, all.vocabulary);
    all.vocabulary = shard.vocabulary;
    shard.first_window = all.windows;
    const int64_t starts = static_cast<int64_t>(shard.tokens.size()) - context;
    if (starts > 0) all.windows += (starts - 1) / all.stride + 1;
    all.shards.push_back(std::move(shard));
  }
  require(all.windows > 0, "no shard *{}*.bin in {} has context + 1 = {} tokens", part,
          folder.string(), context + 1);
  return all;
}

// How many ids there are, which the shards say, the tokenizer or else data.vocabulary, and how many
// the network is to have: data.vocabulary may pad.
struct Vocabulary {
  int64_t ids = 0, padded = 0;
};

Vocabulary vocabulary_of(const TokenShards& train, const TokenShards& held_out,
                         const fs::path& folder, const DataOptions& options) {
  require(options.tokenizer.empty() || options.tokenizer == "byte" ||
              options.tokenizer.starts_with("bpe:"),
          "data.tokenizer: the tokens of shards are byte or bpe:FOLDER, got '{}'",
          options.tokenizer);
  int64_t ids = 0;
  const auto agree = [&](int64_t said, const char* by) {
    require(said == 0 || ids == 0 || said == ids,
            "the shards in {} have a vocabulary of {}, {} says {}", folder.string(), ids, by, said);
    ids = std::max(ids, said);
  };
  agree(train.vocabulary, "");
  agree(held_out.vocabulary, "their validation part");
  if (!options.tokenizer.empty()) {
    agree(open_tokenizer(options.tokenizer, {}, 0).vocabulary, "data.tokenizer");
  }
  const int64_t padded = options.vocabulary > 0 ? options.vocabulary : ids;
  require(padded > 0,
          "the shards in {} do not say how large their vocabulary is: data.vocabulary (50257 for "
          "GPT-2) or data.tokenizer must",
          folder.string());
  require(padded > 1 && padded <= kMostIds,
          "data.vocabulary: expected 2 to {} ids in shards, got {}", kMostIds, padded);
  require(padded >= ids, "the shards in {} have a vocabulary of {}, data.vocabulary says {}",
          folder.string(), ids, padded);
  return {ids > 0 ? ids : padded, padded};
}

const Shard& shard_of(const TokenShards& shards, int64_t window) {
  const auto after =
      std::upper_bound(shards.shards.begin(), shards.shards.end(), window,
                       [](int64_t w, const Shard& shard) { return w < shard.first_window; });
  return *(after - 1);
}

}  // namespace

Shard open_shard(const fs::path& path) {
  Shard shard;
  shard.path = path.string();
  shard.file = std::make_shared<const io::Mapping>(path);
  const std::string_view bytes = shard.file->bytes();
  Header header{};
  require(bytes.size() >= sizeof header, "{}: expected a header of {} bytes, the file has {}",
          shard.path, sizeof header, bytes.size());
  std::memcpy(header.data(), bytes.data(), sizeof header);
  require(header[0] == kMagic, "{}: expected token shards, magic {}, got {}", shard.path, kMagic,
          header[0]);
  require(header[1] == kVersion, "{}: expected version {} of token shards, got {}", shard.path,
          kVersion, header[1]);
  require(header[2] > 0, "{}: expected a number of tokens > 0, got {}", shard.path, header[2]);
  const auto count = static_cast<size_t>(header[2]);
  require(bytes.size() - sizeof header == count * sizeof(uint16_t),
          "{}: {} tokens take {} bytes after the header, the file has {}", shard.path, count,
          count * sizeof(uint16_t), bytes.size() - sizeof header);
  require(header[3] >= 0 && header[3] <= kMostIds,
          "{}: expected a vocabulary of at most {}, or 0, got {}", shard.path, kMostIds, header[3]);
  shard.vocabulary = header[3];
  // A page begins where the file does, so that tokens lie at even addresses.
  shard.tokens = {reinterpret_cast<const uint16_t*>(bytes.data() + sizeof header), count};
  return shard;
}

void write_shard(const fs::path& path, std::span<const uint16_t> tokens, int64_t vocabulary) {
  require(tokens.size() <= std::numeric_limits<int32_t>::max(),
          "a shard holds fewer than 2^31 tokens, got {}", tokens.size());
  const Header header{kMagic, kVersion, static_cast<int32_t>(tokens.size()),
                      static_cast<int32_t>(vocabulary)};
  io::Draft draft(path);
  draft.write({reinterpret_cast<const char*>(header.data()), sizeof header});
  draft.write({reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes()});
  draft.publish();
}

at::Tensor gather_windows(const TokenShards& shards, const at::Tensor& indices) {
  const at::Tensor windows = at::empty({indices.size(0), shards.context + 1}, at::kLong);
  const auto* const index = indices.const_data_ptr<int64_t>();
  auto* out = windows.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < indices.size(0); ++i) {
    const Shard& shard = shard_of(shards, index[i]);
    const int64_t start = (index[i] - shard.first_window) * shards.stride;
    for (int64_t t = 0; t <= shards.context; ++t) {
      *out = shard.tokens[static_cast<size_t>(start + t)];
      require(*out < shards.vocabulary, "{}: token {} is {}, the vocabulary has {}", shard.path,
              start + t, *out, shards.vocabulary);
      ++out;
    }
  }
  return windows;
}

Dataset read_shards(const fs::path& folder, const DataOptions& options) {
  require(options.context >= 1, "expected a context of at least 1 token, got {}", options.context);
  TokenShards train = open_shards(folder, kTrain, options.context);
  TokenShards held_out = open_shards(folder, kValidation, options.context);
  const Vocabulary vocabulary = vocabulary_of(train, held_out, folder, options);
  train.vocabulary = held_out.vocabulary = vocabulary.ids;
  Dataset dataset;
  dataset.classes = vocabulary.padded;
  dataset.input = {.kind = models::InputKind::tokens,
                   .context = options.context,
                   .vocabulary = vocabulary.padded};
  std::vector<std::string> parts;
  for (const TokenShards* part : {&train, &held_out}) {
    for (const Shard& shard : part->shards) {
      parts.push_back(fmt::format("{} {} tokens", fs::path(shard.path).filename().string(),
                                  shard.tokens.size()));
    }
  }
  dataset.source = folder.string() + ": " + join(parts, ", ");
  dataset.train = {{}, {}, options.context, std::make_shared<const TokenShards>(std::move(train))};
  dataset.validation = {
      {}, {}, options.context, std::make_shared<const TokenShards>(std::move(held_out))};
  return dataset;
}

}  // namespace taut::data
