#pragma once

#include <string>

namespace taut::test {

// Kernels with one fault each, and what they are without it. False for an unknown name.
//   missing-barrier   block sums in shared memory that do not wait for each other
//   shared-cell       every block adds to the same global cell
//   lost-threads      half of a block never comes to the barrier
//   overrun           one entry written past the shared memory
bool run_planted(const std::string& name);

// sums[b] = sum of 64 entries from x[64 b]; the kernel that missing-barrier is made from.
const char* sum_blocks(const float* x, float* sums, int blocks);

}  // namespace taut::test
