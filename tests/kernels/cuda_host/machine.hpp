#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

// CUDA's execution model on one CPU thread. Every thread of a block is a context of its own that
// runs until it waits for its block or its warp; between two waits the order of the threads is
// drawn anew. Blocks run in turn, but nothing orders them for a race detector, and each has shared
// memory of its own, filled with NaN. A detector thus sees every access of a kernel, and which of
// them CUDA would order.
struct Index {
  unsigned x = 0, y = 0, z = 0;
};
inline Index threadIdx, blockIdx, blockDim, gridDim;  // of the thread that runs

namespace taut::test {

struct Grid {
  unsigned blocks = 0, threads = 0;  // threads: whole warps
  size_t shared = 0;                 // bytes for each block
};

// Ends the program where a wait can never end or a kernel wrote past its shared memory.
void run(const Grid& grid, const std::function<void()>& thread);

// For the threads of a running kernel.
void wait_for_block();                      // orders memory
void wait_for_warp(bool orders);            // with or without ordering memory
void* shared_memory();                      // of this block, aligned to 128 bytes
void gather(uint64_t mine, uint64_t* all);  // of the 32 lanes of this warp; orders no memory
inline unsigned lane() { return threadIdx.x % 32; }

// Fewer blocks than asked for: a grid-stride loop has to be right for any grid.
extern unsigned most_blocks;

}  // namespace taut::test
