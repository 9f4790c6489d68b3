#include <cstdint>

#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/tile.hpp"

namespace taut::kernels::cuda {
namespace {

struct Work {
  float a;
  const float *x, *z;
  float* y;
  int64_t batch, n, m;
  bool wide_x, wide_z;
};

// Z_ik = Z_ki: both slabs are rows of their matrices, and neither has to be transposed.
template <int side>
__global__ void __launch_bounds__(Tile<side>::threads) times(Work w) {
  auto& memory = block_memory<typename Tile<side>::Memory>();
  const Lane<side> lane;
  const int64_t down = (w.n + side - 1) / side, tiles = down * ((w.m + side - 1) / side);
  for (int64_t item = blockIdx.x; item < tiles * w.batch; item += gridDim.x) {
    const int64_t matrix = item / tiles, row = item % tiles % down * side,
                  col = item % tiles / down * side;
    const Part z{w.z + matrix * w.n * w.n, w.n, w.n, w.wide_z};
    const Part x{w.x + matrix * w.n * w.m, w.n, w.m, w.wide_x};
    Sums sums = {};
    Carried<side> left, right;
    left.read_across(z, row, 0);
    right.read_across(x, col, 0);
    int now = 0;
    for (int64_t k = 0; k < w.n; k += kDepth, now ^= 1) {
      left.write_across(memory.left[now]);
      right.write_across(memory.right[now]);
      __syncthreads();
      left.read_across(z, row, k + kDepth);
      right.read_across(x, col, k + kDepth);
      multiply<side>(memory.left[now], memory.right[now], lane, sums);
    }
    __syncthreads();  // the next tile writes where this one reads
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int64_t to = row + lane.row + i / 4 * 16 + i % 4;
      Quad q = read_quad(x, to, col + lane.col);
#pragma unroll
      for (int j = 0; j < 4; ++j) q.at[j] = w.a * q.at[j] + sums[i][j];
      write_quad(w.y + matrix * w.n * w.m, w.n, w.m, w.wide_x, to, col + lane.col, q);
    }
  }
}

// Tiles as in symmetric_product.cu. Blocks that follow each other share their columns of X, which
// then come from the L2 cache; X is read once more for a X, from there too. Limited by fp32
// arithmetic.
template <int side>
const char* launch(const Work& w, Stream stream) {
  const int64_t tiles = ((w.n + side - 1) / side) * ((w.m + side - 1) / side) * w.batch;
  constexpr int64_t most = 1 << 20;
  return start(
      times<side>,
      {tiles < most ? tiles : most, Tile<side>::threads, sizeof(typename Tile<side>::Memory)},
      stream, w);
}

}  // namespace

const char* symmetric_times(double a, const float* x, const float* z, float* y, int64_t batch,
                            int64_t n, int64_t m, Stream stream) {
  if (batch <= 0 || n <= 0 || m <= 0) return nullptr;
  const bool wide_x = aligned16(x) && aligned16(y) && m % 4 == 0;
  const Work w{static_cast<float>(a), x, z, y, batch, n, m, wide_x, aligned16(z) && n % 4 == 0};
  return n <= 32 && m <= 32 ? launch<32>(w, stream) : launch<64>(w, stream);
}

}  // namespace taut::kernels::cuda
