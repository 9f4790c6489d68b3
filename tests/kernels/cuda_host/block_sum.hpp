#pragma once

namespace taut::test {

inline constexpr int kBlock = 32;

// sums[b] = sum of x[kBlock b ... kBlock b + kBlock). Unsynchronized, it has a data race on
// purpose.
const char* sum_blocks(const float* x, float* sums, int blocks, bool synchronized);

}  // namespace taut::test
