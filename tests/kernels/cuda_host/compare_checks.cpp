#include <cstdio>
#include <random>

#include "checks.hpp"
#include "host_device.hpp"
#include "kernels/cuda/compare/compare.hpp"
#include "machine.hpp"

namespace taut::test {
namespace {

using kernels::cuda::Comparison;
using kernels::cuda::Matrices;

Matrices random_matrices(int64_t batch, int64_t rows, int64_t cols, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, 1);
  Matrices w{batch, rows, cols, std::vector<float>(static_cast<size_t>(batch * rows * cols))};
  for (float& x : w.entries) x = normal(random);
  return w;
}

void compare(int64_t batch, int64_t rows, int64_t cols, bool shifted) {
  HostDevice host(shifted);
  const Matrices w = random_matrices(batch, rows, cols, 20250718);
  char shape[96];
  std::snprintf(shape, sizeof shape, " on %lld of %lld x %lld%s", static_cast<long long>(batch),
                static_cast<long long>(rows), static_cast<long long>(cols),
                shifted ? ", unaligned" : "");
  for (const Comparison& c : kernels::cuda::compare_all(host.device(), w)) {
    char numbers[64];
    std::snprintf(numbers, sizeof numbers, ": %.3g, allowed %.3g", c.difference, c.allowed);
    check(c.holds(), c.kernel + shape + numbers);
  }
  check(host.guards_hold(), std::string("memory around the arrays") + shape);
}

}  // namespace

// Sides that fill a tile, miss it by one, and are less than a load; rows under and over a warp's.
void compare_checks() {
  compare(0, 3, 5, false);
  compare(1, 1, 1, false);
  compare(1, 1, 1, true);
  compare(2, 3, 5, true);
  compare(3, 16, 32, false);
  compare(2, 33, 40, false);
  compare(2, 33, 31, true);
  compare(1, 64, 64, false);
  compare(1, 65, 68, true);
  compare(1, 132, 20, false);
  compare(1, 5, 1300, false);
  most_blocks = 2;  // every loop over the grid goes round
  compare(3, 33, 36, false);
  compare(1, 130, 9, true);
  most_blocks = ~0u;
}

// Few blocks, or a detector runs out of threads.
void race_checks() {
  most_blocks = 2;
  compare(3, 33, 36, false);
  compare(1, 130, 9, true);
  compare(1, 3, 1300, false);
  most_blocks = ~0u;
}

}  // namespace taut::test
