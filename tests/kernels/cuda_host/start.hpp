#pragma once

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/cuda/launch.hpp"

// CUDA's execution model for one-dimensional grids, on the CPU: the threads of a block are host
// threads, __syncthreads a barrier, blocks run in turn. Takes the place of
// kernels/cuda/device/start.hpp on the include path; the build defines __global__ as nothing and
// __shared__ as static, which one block at a time makes right. A sanitizer then sees every access
// of a kernel.
struct Index {
  unsigned x = 0, y = 0, z = 0;
};
inline thread_local Index threadIdx, blockIdx;
inline Index blockDim, gridDim;  // written while no kernel runs

namespace taut::test {

class Barrier {
 public:
  explicit Barrier(int threads) : threads_(threads) {}
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    const long turn = turn_;
    if (++arrived_ == threads_) {
      arrived_ = 0;
      ++turn_;
      released_.notify_all();
    } else {
      released_.wait(lock, [&] { return turn != turn_; });
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  int threads_ = 0, arrived_ = 0;
  long turn_ = 0;
};

inline thread_local Barrier* block_barrier = nullptr;

// Fewer blocks than asked for: a grid-stride loop has to be right for any grid.
inline int most_blocks = std::numeric_limits<int>::max();

}  // namespace taut::test

inline void __syncthreads() { taut::test::block_barrier->wait(); }

namespace taut::kernels::cuda {

template <class... P, class... A>
const char* start(void (*kernel)(P...), int blocks, int threads, Stream, A... arguments) {
  if (blocks < 1 || threads < 1 || threads > 1024) return "invalid configuration argument";
  gridDim.x = static_cast<unsigned>(std::min(blocks, test::most_blocks));
  blockDim.x = static_cast<unsigned>(threads);
  test::Barrier barrier(threads);
  std::vector<std::thread> block;
  for (unsigned t = 0; t < blockDim.x; ++t) {
    block.emplace_back([&, t] {
      threadIdx.x = t;
      test::block_barrier = &barrier;
      for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x) {
        kernel(arguments...);
        barrier.wait();
      }
    });
  }
  for (std::thread& thread : block) thread.join();
  return nullptr;
}

}  // namespace taut::kernels::cuda
