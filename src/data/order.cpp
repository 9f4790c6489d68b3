#include <ATen/ATen.h>

#include <algorithm>

#include "src/core/core.hpp"
#include "src/data/data.hpp"
#include "src/data/permutation.hpp"

namespace taut::data {
namespace {

// A list costs 8 bytes an example and as long to draw as to read: too much for windows of a large
// corpus.
constexpr int64_t kLongestList = int64_t{1} << 22;

at::Tensor permuted_range(int64_t start, int64_t count, int64_t size, uint64_t key) {
  const at::Tensor indices = at::empty({count}, at::kLong);
  auto* const out = indices.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < count; ++i) out[i] = permuted(start + i, size, key);
  return indices;
}

}  // namespace

Order::Order(int64_t size, uint64_t seed) : size_(size), seed_(seed) {
  require(size > 0, "cannot order {} examples", size);
}

at::Tensor Order::next(int64_t cursor, int64_t count) {
  require(cursor >= 0 && count > 0, "expected a cursor >= 0 and a count > 0, got {} and {}", cursor,
          count);
  std::vector<at::Tensor> parts;
  while (count > 0) {
    const int64_t epoch = cursor / size_, start = cursor % size_;
    const int64_t taken = std::min(count, size_ - start);
    const uint64_t key = mix(seed_, {static_cast<uint64_t>(epoch)});
    if (size_ > kLongestList) {
      parts.push_back(permuted_range(start, taken, size_, key));
    } else {
      if (epoch != epoch_) permutation_ = at::randperm(size_, make_generator(key), at::kLong);
      epoch_ = epoch;
      parts.push_back(permutation_.narrow(0, start, taken));
    }
    cursor += taken;
    count -= taken;
  }
  return at::cat(parts);
}

}  // namespace taut::data
