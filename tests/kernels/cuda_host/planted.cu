#include "planted.hpp"

#include <vector>

#include "start.hpp"

namespace taut::test {
namespace {

using kernels::cuda::block_memory;

constexpr int kBlock = 64;

enum class Fault { none, missing_barrier, shared_cell, lost_threads, overrun };

// A reduction in shared memory. Without its barriers a thread reads what its neighbour is writing.
template <Fault fault>
__global__ void block_sum(const float* x, float* sums) {
  auto& cells = block_memory<float[kBlock]>();
  cells[threadIdx.x + (fault == Fault::overrun ? 1 : 0)] = x[blockIdx.x * blockDim.x + threadIdx.x];
  if (fault == Fault::lost_threads && threadIdx.x >= kBlock / 2) return;
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if constexpr (fault != Fault::missing_barrier) __syncthreads();
    if (threadIdx.x < half) cells[threadIdx.x] += cells[threadIdx.x + half];
  }
  if (threadIdx.x == 0) sums[fault == Fault::shared_cell ? 0 : blockIdx.x] += cells[0];
}

template <Fault fault>
const char* launch(const float* x, float* sums, int blocks) {
  return kernels::cuda::start(block_sum<fault>, {blocks, kBlock, sizeof(float[kBlock])}, nullptr, x,
                              sums);
}

}  // namespace

const char* sum_blocks(const float* x, float* sums, int blocks) {
  return launch<Fault::none>(x, sums, blocks);
}

bool run_planted(const std::string& name) {
  const std::vector<float> x(3 * kBlock, 1.0f);
  std::vector<float> sums(3);
  const auto run = [&](const char* error) { return error == nullptr; };
  if (name == "missing-barrier")
    return run(launch<Fault::missing_barrier>(x.data(), sums.data(), 3));
  if (name == "shared-cell") return run(launch<Fault::shared_cell>(x.data(), sums.data(), 3));
  if (name == "lost-threads") return run(launch<Fault::lost_threads>(x.data(), sums.data(), 3));
  if (name == "overrun") return run(launch<Fault::overrun>(x.data(), sums.data(), 3));
  return false;
}

}  // namespace taut::test
