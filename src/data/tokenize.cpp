#include "src/data/tokenize.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "src/core/core.hpp"
#include "src/data/files.hpp"
#include "src/data/token_shards.hpp"
#include "src/data/tokenizer.hpp"
#include "src/io/descriptor.hpp"
#include "src/io/mapping.hpp"

namespace taut::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostIds = int64_t{1} << 16;
constexpr size_t kTokensBetweenLooks = 1 << 16;  // at whether Ctrl-C was pressed

struct Interrupted {};

// Where the validation part begins: the first line after the share of the text before it, so that
// no word and no character is cut in two.
size_t boundary(std::string_view text, double validation, const fs::path& path) {
  const auto wanted = static_cast<size_t>(static_cast<double>(text.size()) * (1 - validation));
  const size_t line = text.find('\n', std::min(wanted, text.size() - 1));
  require(
      line != text.npos && line + 1 < text.size(),
      "{}: expected a line that begins in the last {} of the text, to begin the validation part",
      path.string(), validation);
  return line + 1;
}

class ShardWriter {
 public:
  ShardWriter(fs::path folder, std::string name, const TokenizeOptions& options, int64_t vocabulary)
      : folder_(std::move(folder)),
        name_(std::move(name)),
        most_(static_cast<size_t>(options.shard_tokens)),
        vocabulary_(vocabulary) {}

  void add(int32_t token) {
    buffer_.push_back(static_cast<uint16_t>(token));
    if (buffer_.size() % kTokensBetweenLooks == 0 && interrupted()) throw Interrupted{};
    if (buffer_.size() == most_) flush();
  }
  void flush() {
    if (buffer_.empty()) return;
    write_shard(folder_ / fmt::format("{}_{:06}.bin", name_, shards_), buffer_, vocabulary_);
    tokens_ += static_cast<int64_t>(buffer_.size());
    ++shards_;
    buffer_.clear();
  }
  int64_t tokens() const { return tokens_; }
  int64_t shards() const { return shards_; }

 private:
  fs::path folder_;
  std::string name_;
  size_t most_;
  int64_t vocabulary_, tokens_ = 0, shards_ = 0;
  std::vector<uint16_t> buffer_;
};

void check(const TokenizeOptions& options) {
  require(options.tokenizer == "byte" || options.tokenizer.starts_with("bpe:"),
          "--tokenizer: shards hold byte or bpe:FOLDER tokens, got '{}'", options.tokenizer);
  require(options.shard_tokens >= 2 && options.shard_tokens <= std::numeric_limits<int32_t>::max(),
          "--shard_tokens: expected 2 to 2^31 - 1, got {}", options.shard_tokens);
  require(options.validation > 0 && options.validation < 1,
          "--validation: expected a share in (0, 1), got {}", options.validation);
}

void require_free(const fs::path& out) {
  std::error_code error;
  require(!fs::exists(out, error) || (fs::is_directory(out, error) && fs::is_empty(out, error)),
          "{} is there already: shards of two texts in one folder would be read as one",
          out.string());
}

}  // namespace

Tokenized tokenize(const fs::path& path, const fs::path& folder, const TokenizeOptions& options) {
  check(options);
  const fs::path out = folder.has_filename() ? folder : folder.parent_path();  // without its slash
  require_free(out);
  const Tokenizer tokenizer = open_tokenizer(options.tokenizer, {}, 0);
  require(tokenizer.vocabulary <= kMostIds, "shards hold ids below {}, {} has {} of them", kMostIds,
          options.tokenizer, tokenizer.vocabulary);
  const io::Mapping file(path);
  const std::string_view text = file.bytes();
  require(!text.empty(), "{} is empty", path.string());
  const size_t cut = boundary(text, options.validation, path);
  const fs::path parent = io::folder_of(out);
  const ScratchFolder scratch(parent);
  const fs::path made = scratch.make("shards");
  // "_train_" and "_val_" tell the parts apart: nothing else in the name may look like them.
  std::string name = path.stem().string();
  std::replace(name.begin(), name.end(), '_', '-');
  ShardWriter train(made, name + "_train", options, tokenizer.vocabulary);
  ShardWriter validation(made, name + "_val", options, tokenizer.vocabulary);
  size_t begin = 0;
  try {
    tokenizer.encode(text.substr(0, cut), [&](int32_t token) { train.add(token); });
    begin = cut;
    tokenizer.encode(text.substr(cut), [&](int32_t token) { validation.add(token); });
  } catch (const Interrupted&) {
    return {.interrupted = true};
  } catch (const Error& error) {
    fail("{}{}: {}", path.string(), begin > 0 ? fmt::format(", from byte {}", begin) : "",
         error.what());
  }
  train.flush();
  validation.flush();
  std::error_code error;
  fs::rename(made, out, error);
  require(!error, "cannot write {}: {}", out.string(), error.message());
  io::sync_folder(parent);
  return {static_cast<int64_t>(text.size()), train.tokens(), validation.tokens(),
          train.shards() + validation.shards(), tokenizer.vocabulary};
}

}  // namespace taut::data
