#pragma once

#include <cstring>

#include "kernels/cuda/launch.hpp"
#include "machine.hpp"

// Takes the place of kernels/cuda/device/start.hpp on the include path: the same kernels as C++.
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(threads)

inline void __syncthreads() { taut::test::wait_for_block(); }
inline void __syncwarp() { taut::test::wait_for_warp(true); }

// As on a GPU, an exchange of registers orders no memory.
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0, all[32];
  std::memcpy(&bits, &value, sizeof(T));
  taut::test::gather(bits, all);
  std::memcpy(&value, &all[taut::test::lane() ^ static_cast<unsigned>(mask)], sizeof(T));
  return value;
}

namespace taut::kernels::cuda {

struct Grid {
  int64_t blocks = 0;
  int threads = 0;
  size_t shared = 0;
};

template <class T>
T& block_memory() {
  return *static_cast<T*>(test::shared_memory());
}

template <class... P, class... A>
const char* start(void (*kernel)(P...), const Grid& grid, Stream, A... arguments) {
  if (grid.blocks < 1 || grid.blocks > 0x7fffffff || grid.threads < 1 || grid.threads > 1024 ||
      grid.threads % 32 != 0) {
    return "invalid configuration argument";
  }
  if (grid.shared > 163 << 10) return "invalid argument";  // sm_80's most for one block
  test::run({static_cast<unsigned>(grid.blocks), static_cast<unsigned>(grid.threads), grid.shared},
            [&] { kernel(arguments...); });
  return nullptr;
}

}  // namespace taut::kernels::cuda
