#include "src/data/permutation.hpp"

#include <bit>

#include "src/core/core.hpp"

namespace taut::data {
namespace {

constexpr uint64_t kRounds = 6;

// A bijection of the numbers of 2 * half bits, whatever `mix` returns.
uint64_t shuffled(uint64_t x, int half, uint64_t key) {
  const uint64_t mask = (uint64_t{1} << half) - 1;
  uint64_t left = x >> half, right = x & mask;
  for (uint64_t round = 0; round < kRounds; ++round) {
    const uint64_t next = left ^ (mix(key, {round, right}) & mask);
    left = right;
    right = next;
  }
  return left << half | right;
}

}  // namespace

int64_t permuted(int64_t index, int64_t size, uint64_t key) {
  require(size > 0 && index >= 0 && index < size, "expected an index in [0, {}), got {}", size,
          index);
  const auto limit = static_cast<uint64_t>(size);
  const int half = (std::bit_width(limit - 1) + 1) / 2;
  auto x = static_cast<uint64_t>(index);
  // The cycle of `index` comes back to it, so that a number below the limit is met; the domain is
  // less than four times the limit.
  do {
    x = shuffled(x, half, key);
  } while (x >= limit);
  return static_cast<int64_t>(x);
}

}  // namespace taut::data
