#include <cmath>
#include <cstdint>

#include "kernels/cuda/blend.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/tile.hpp"
#include "kernels/cuda/triangle.hpp"

namespace taut::kernels::cuda {
namespace {

struct Work {
  const float *x, *y;
  SymmetricProduct p;
  bool wide_in, wide_out;
};

// One tile of X Y^T: slabs alternate between two buffers, so one barrier a step is enough.
template <int side>
__device__ __forceinline__ void accumulate(typename Tile<side>::Memory& memory, const Part& x,
                                           const Part& y, int64_t row, int64_t col,
                                           const Lane<side>& lane, Sums& sums) {
  Carried<side> left, right;
  left.read_along(x, row, 0);
  right.read_along(y, col, 0);
  int now = 0;
  for (int64_t k = 0; k < x.cols; k += kDepth, now ^= 1) {
    left.write_along(memory.left[now]);
    right.write_along(memory.right[now]);
    __syncthreads();
    left.read_along(x, row, k + kDepth);  // under way while this step multiplies
    right.read_along(y, col, k + kDepth);
    multiply<side>(memory.left[now], memory.right[now], lane, sums);
  }
  __syncthreads();  // the next tile writes where this one reads
}

// Rows of 128 bytes for the tile, and for its mirror image 64-byte pieces of eight rows: whole
// sectors both times, so the image needs no detour through shared memory.
__device__ __forceinline__ void store(const Work& w, int64_t matrix, int64_t row, int64_t col,
                                      const Sums& sums) {
  const int64_t n = w.p.n;
  const Blend blend = blend_of(w.p, matrix);
  float* out = w.p.out + matrix * n * n;
  Quad image[2][4];
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    Quad q = {};
    if (blend.addend != nullptr) {
      q = read_quad({blend.addend, n, n, w.wide_out}, row + i / 4 * 16 + i % 4, col);
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      q.at[j] = blend(sums[i][j], q.at[j]);
      image[i / 4][j].at[i % 4] = q.at[j];
    }
    write_quad(out, n, n, w.wide_out, row + i / 4 * 16 + i % 4, col, q);
  }
#pragma unroll
  for (int j = 0; j < 4; ++j) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      write_quad(out, n, n, w.wide_out, col + j, row + 16 * half, image[half][j]);
    }
  }
}

// On the diagonal entry by entry, above it and mirrored: the two halves of X Y^T differ by
// rounding.
__device__ __forceinline__ void store_diagonal(const Work& w, int64_t matrix, int64_t row,
                                               int64_t col, const Sums& sums) {
  const int64_t n = w.p.n;
  const Blend blend = blend_of(w.p, matrix);
  float* out = w.p.out + matrix * n * n;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int64_t r = row + i / 4 * 16 + i % 4;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int64_t c = col + j;
      if (c < r || c >= n) continue;
      const float value = blend(sums[i][j], blend.addend != nullptr ? blend.addend[r * n + c] : 0);
      out[r * n + c] = value;
      if (c > r) out[c * n + r] = value;
    }
  }
}

template <int side>
__global__ void __launch_bounds__(Tile<side>::threads) product(Work w) {
  auto& memory = block_memory<typename Tile<side>::Memory>();
  const Lane<side> lane;
  const int64_t n = w.p.n, k = w.p.k, tiles = upper_tiles((n + side - 1) / side);
  for (int64_t item = blockIdx.x; item < tiles * w.p.batch; item += gridDim.x) {
    const int64_t matrix = item / tiles;
    const UpperTile tile = upper_tile(item % tiles);
    Sums sums = {};
    accumulate<side>(memory, {w.x + matrix * n * k, n, k, w.wide_in},
                     {w.y + matrix * n * k, n, k, w.wide_in}, tile.row * side, tile.col * side,
                     lane, sums);
    const int64_t row = tile.row * side + lane.row, col = tile.col * side + lane.col;
    if (tile.row == tile.col) {
      store_diagonal(w, matrix, row, col, sums);
    } else {
      store(w, matrix, row, col, sums);
    }
  }
}

// A block for each tile of the upper triangle. Tiles of 64 keep four warps busy, one for each
// scheduler of a multiprocessor, and leave twice to four times as many blocks as the usual 128 for
// the matrices of one layer (768 x 768: 78 blocks); a matrix of up to 32 rows would waste three
// quarters of such a tile and gets one warp. Limited by fp32 arithmetic from k of about 64 on, by
// the number of tiles below n of about 1,000 unless batched: k is not split, so that sums do not
// depend on the GPU. 16 KiB of shared memory and under 128 registers leave room for four blocks.
template <int side>
const char* launch(const Work& w, Stream stream) {
  const int64_t blocks = upper_tiles((w.p.n + side - 1) / side) * w.p.batch, most = 1 << 20;
  return start(
      product<side>,
      {blocks < most ? blocks : most, Tile<side>::threads, sizeof(typename Tile<side>::Memory)},
      stream, w);
}

}  // namespace

const char* symmetric_product(const float* x, const float* y, const SymmetricProduct& product,
                              Stream stream) {
  Work w{x, y, product, false, false};
  if (w.p.batch <= 0 || w.p.n <= 0) return nullptr;
  if (w.p.beta == 0) w.p.addend = nullptr;
  w.wide_in = aligned16(x) && aligned16(y) && w.p.k % 4 == 0;
  w.wide_out = aligned16(w.p.out) && aligned16(w.p.addend) && w.p.n % 4 == 0;
  return w.p.n <= 32 ? launch<32>(w, stream) : launch<64>(w, stream);
}

}  // namespace taut::kernels::cuda
