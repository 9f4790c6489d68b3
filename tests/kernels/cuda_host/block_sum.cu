#include "block_sum.hpp"

#include "start.hpp"

namespace taut::test {
namespace {

// A reduction in shared memory. Without its barriers a thread reads what its neighbour is writing.
template <bool synchronized>
__global__ void block_sum(const float* x, float* sums) {
  __shared__ float cells[kBlock];
  cells[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if constexpr (synchronized) __syncthreads();
    if (threadIdx.x < half) cells[threadIdx.x] += cells[threadIdx.x + half];
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = cells[0];
}

}  // namespace

const char* sum_blocks(const float* x, float* sums, int blocks, bool synchronized) {
  return kernels::cuda::start(synchronized ? block_sum<true> : block_sum<false>, blocks, kBlock,
                              nullptr, x, sums);
}

}  // namespace taut::test
