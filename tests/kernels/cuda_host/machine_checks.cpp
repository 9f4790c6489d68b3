#include <vector>

#include "checks.hpp"
#include "planted.hpp"
#include "start.hpp"

namespace taut::test {
namespace {

// The lanes of a warp swap with their neighbour, then with the lane 16 further.
void swap_lanes(float* x) {
  const float swapped = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1);
  x[threadIdx.x] = __shfl_xor_sync(0xffffffffu, swapped, 16);
}

}  // namespace

void machine_checks() {
  std::vector<float> x(5 * 64), sums(5);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  check(sum_blocks(x.data(), sums.data(), 5) == nullptr, "launch of a sum");
  for (int b = 0; b < 5; ++b) {
    const auto at = static_cast<size_t>(b);
    check(sums[at] == static_cast<float>(64 * 64 * b + 64 * 63 / 2), "sum of a block");
  }
  check(kernels::cuda::start(swap_lanes, {1, 64}, nullptr, x.data()) == nullptr,
        "launch of a swap");
  for (unsigned i = 0; i < 64; ++i) {
    check(x[i] == static_cast<float>(i ^ 1 ^ 16), "exchange between lanes");
  }
  check(kernels::cuda::start(swap_lanes, {0, 64}, nullptr, x.data()) != nullptr,
        "an empty grid is refused");
}

}  // namespace taut::test
