#pragma once

#include "start.hpp"

// Threads that share a row: a warp for short rows, eight of them to a block, or a whole block.
// Included by kernels only.
//
// Row kernels are bound by memory: neighbouring lanes read neighbouring entries, 128 bytes a warp
// and load at any alignment of the row, and a second pass over a row comes from the caches. Sums
// are double: squares of floats are exact there and neither overflow nor vanish, one multiply-add
// for four bytes stays below the double rate of every supported GPU, and the order of a sum is
// fixed.
namespace taut::kernels::cuda {

constexpr int kRowThreads = 256, kWarp = 32;

struct RowMemory {
  double part[kRowThreads / kWarp];
};

template <int size>
struct Team {
  RowMemory& memory;
  int rank;               // of this thread in its team
  int64_t first, stride;  // rows of this team

  __device__ Team()
      : memory(block_memory<RowMemory>()),
        rank(static_cast<int>(threadIdx.x) % size),
        first(static_cast<int64_t>(blockIdx.x) * (kRowThreads / size) +
              static_cast<int>(threadIdx.x) / size),
        stride(static_cast<int64_t>(gridDim.x) * (kRowThreads / size)) {}

  // The same bits for every thread of the team, which all have to come.
  __device__ double sum(double x) const {
    for (int mask = kWarp / 2; mask > 0; mask /= 2) x += __shfl_xor_sync(0xffffffffu, x, mask);
    if (size == kWarp) return x;
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    if (rank % kWarp == 0) memory.part[warp] = x;
    __syncthreads();
    double total = 0;
    for (const double part : memory.part) total += part;
    __syncthreads();  // the next sum writes there
    return total;
  }

  // Sum of f(i) over the entries of a row.
  template <class F>
  __device__ double sum_over(int64_t width, const F& f) const {
    double mine = 0;
#pragma unroll 4
    for (int64_t i = rank; i < width; i += size) mine += f(i);
    return sum(mine);
  }
};

// Not less than the exact root mean square (count = width) or norm (count = 1) where `square` is a
// computed sum of `width` exact squares: sum, quotient, root and this product round less than
// width + 16 times.
__device__ inline double raised_root(double square, double count, int64_t width) {
  return sqrt(square / count) * (1 + static_cast<double>(width + 16) * 0x1p-53);
}

// A warp reads 1,024 entries in 32 loads; longer rows are worth a block. The loop over the grid
// takes what exceeds 65,536 blocks, thirty for each place on the largest GPU.
template <class... P, class... A>
const char* start_rows(void (*by_warp)(P...), void (*by_block)(P...), int64_t rows, int64_t width,
                       Stream stream, A... arguments) {
  const bool alone = width > 1024;
  const int64_t teams = alone ? 1 : kRowThreads / kWarp, most = 1 << 16;
  const int64_t needed = (rows + teams - 1) / teams;
  return start(alone ? by_block : by_warp,
               {needed < most ? needed : most, kRowThreads, sizeof(RowMemory)}, stream,
               arguments...);
}

}  // namespace taut::kernels::cuda
