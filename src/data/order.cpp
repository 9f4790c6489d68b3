#include <ATen/ATen.h>

#include <algorithm>

#include "src/core/core.hpp"
#include "src/data/data.hpp"

namespace taut::data {

Order::Order(int64_t size, uint64_t seed) : size_(size), seed_(seed) {
  require(size > 0, "cannot order {} examples", size);
}

at::Tensor Order::next(int64_t cursor, int64_t count) {
  require(cursor >= 0 && count > 0, "expected a cursor >= 0 and a count > 0, got {} and {}", cursor,
          count);
  std::vector<at::Tensor> parts;
  while (count > 0) {
    if (const int64_t epoch = cursor / size_; epoch != epoch_) {
      permutation_ = at::randperm(size_, make_generator(mix(seed_, {static_cast<uint64_t>(epoch)})),
                                  at::kLong);
      epoch_ = epoch;
    }
    const int64_t start = cursor % size_;
    const int64_t taken = std::min(count, size_ - start);
    parts.push_back(permutation_.narrow(0, start, taken));
    cursor += taken;
    count -= taken;
  }
  return at::cat(parts);
}

}  // namespace taut::data
