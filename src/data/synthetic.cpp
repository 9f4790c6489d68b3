#include <ATen/ATen.h>

#include <array>

#include "src/core/random.hpp"
#include "src/data/readers.hpp"

namespace taut::data {
namespace {

constexpr uint64_t kSeed = 1;

// Class 0 is bright above, 1 on the left, 2 in the middle: any two differ in at least eight of
// sixteen pixels.
Split noisy_patterns(int64_t count, uint64_t part) {
  at::Tensor means = at::full({3, 4, 4}, 0.2, at::kDouble);
  means[0].narrow(0, 0, 2).fill_(0.8);
  means[1].narrow(1, 0, 2).fill_(0.8);
  means[2].narrow(0, 1, 2).narrow(1, 1, 2).fill_(0.8);
  const at::Tensor labels = at::arange(count, at::kLong).remainder(3);
  const at::Tensor noise =
      at::normal(0.0, 0.15, {count, 4, 4}, make_generator(mix(kSeed, {part})), at::kDouble);
  const at::Tensor pixels = (means.index_select(0, labels) + noise).clamp(0, 1);
  return {(pixels * 255).round().to(at::kByte).unsqueeze(1), labels};
}

}  // namespace

Dataset synthetic_images() {
  Dataset dataset;
  dataset.input = {.channels = 1, .height = 4, .width = 4};
  dataset.classes = 3;
  dataset.train = noisy_patterns(240, 0);
  dataset.validation = noisy_patterns(120, 1);
  return dataset;
}

// Three bits of choice a word and none inside it: a model that reads a few symbols back reaches
// about 0.4 nats a symbol, against log 12 = 2.5 for guessing.
std::string synthetic_sentences() {
  constexpr std::array kWords{"ace", "bead", "chief", "dig", "each", "fig", "high", "jab"};
  std::string text;
  for (uint64_t word = 0; word < 6000; ++word) {
    text += kWords[mix(kSeed, {word}) % kWords.size()];
    text += word % 4 == 3 ? ". " : " ";
  }
  return text;
}

}  // namespace taut::data
