#include <cstdint>

#include "kernels/cuda/blend.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/tensor_tile.hpp"
#include "kernels/cuda/triangle.hpp"

namespace taut::kernels::cuda {
namespace {

template <class T>
struct Work {
  const T *x, *y;
  SymmetricProduct p;
  bool wide_in, wide_out;
};

// The slabs are done with when the sums come to be stored.
template <class T>
union Memory {
  struct {
    TensorSlab<T> left[2], right[2];
  } slab;
  float sums[kTensorSide][kTensorSide + 4];
};

template <class T>
__device__ __forceinline__ void accumulate(Memory<T>& memory, const TensorPart<T>& x,
                                           const TensorPart<T>& y, int64_t row, int64_t col) {
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int down = warp / 2 * 32, right_of = warp % 2 * 32;
  Accumulators<T> sums;
  for (auto& line : sums) {
    for (auto& sum : line) nvcuda::wmma::fill_fragment(sum, 0.0f);
  }
  CarriedChunks<T> left, right;
  left.read(x, row, 0);
  right.read(y, col, 0);
  int now = 0;
  for (int64_t k = 0; k < x.cols; k += TensorSlab<T>::depth, now ^= 1) {
    left.write(memory.slab.left[now]);
    right.write(memory.slab.right[now]);
    __syncthreads();
    left.read(x, row, k + TensorSlab<T>::depth);
    right.read(y, col, k + TensorSlab<T>::depth);
    multiply<T>(memory.slab.left[now], memory.slab.right[now], down, right_of, sums);
  }
  __syncthreads();  // the sums lie where the slabs were
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      nvcuda::wmma::store_matrix_sync(&memory.sums[down + 16 * i][right_of + 16 * j], sums[i][j],
                                      kTensorSide + 4, nvcuda::wmma::mem_row_major);
    }
  }
  __syncthreads();
}

// The tile row by row, in 256-byte pieces; what is stored stays in shared memory for the image.
template <class T>
__device__ __forceinline__ void store_tile(Memory<T>& memory, const Work<T>& w, int64_t matrix,
                                           int64_t row, int64_t col) {
  const int64_t n = w.p.n;
  const Blend blend = blend_of(w.p, matrix);
  for (int e = static_cast<int>(threadIdx.x); e < kTensorSide * 16; e += kTensorThreads) {
    Quad& kept = *reinterpret_cast<Quad*>(&memory.sums[e / 16][e % 16 * 4]);
    Quad q = {};
    if (blend.addend != nullptr) {
      q = read_quad({blend.addend, n, n, w.wide_out}, row + e / 16, col + e % 16 * 4);
    }
    for (int j = 0; j < 4; ++j) q.at[j] = blend(kept.at[j], q.at[j]);
    kept = q;
    write_quad(w.p.out + matrix * n * n, n, n, w.wide_out, row + e / 16, col + e % 16 * 4, q);
  }
}

// On the diagonal entry by entry, above it and mirrored: nothing says that a tensor core sums entry
// (i, j) in the order of (j, i).
template <class T>
__device__ __forceinline__ void store_diagonal(const Memory<T>& memory, const Work<T>& w,
                                               int64_t matrix, int64_t first) {
  const int64_t n = w.p.n;
  const Blend blend = blend_of(w.p, matrix);
  float* out = w.p.out + matrix * n * n;
  for (int e = static_cast<int>(threadIdx.x); e < kTensorSide * kTensorSide; e += kTensorThreads) {
    const int64_t r = first + e / kTensorSide, c = first + e % kTensorSide;
    if (c < r || c >= n) continue;
    const float value = blend(memory.sums[e / kTensorSide][e % kTensorSide],
                              blend.addend != nullptr ? blend.addend[r * n + c] : 0);
    out[r * n + c] = value;
    if (c > r) out[c * n + r] = value;
  }
}

// The mirror image: a lane reads four columns of its own row (a stride of 68 floats puts eight
// lanes in 32 banks), and the lanes of a warp write 128 bytes of four rows.
template <class T>
__device__ __forceinline__ void store_image(Memory<T>& memory, const Work<T>& w, int64_t matrix,
                                            int64_t row, int64_t col) {
  const int64_t n = w.p.n;
  float* out = w.p.out + matrix * n * n;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int piece = static_cast<int>(threadIdx.x) / 32; piece < 32; piece += kTensorThreads / 32) {
    const int i = piece / 16 * 32 + lane, j = piece % 16 * 4;
    const Quad q = *reinterpret_cast<Quad*>(&memory.sums[i][j]);
    if (row + i >= n) continue;
    for (int c = 0; c < 4; ++c) {
      if (col + j + c < n) out[(col + j + c) * n + row + i] = q.at[c];
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kTensorThreads) product(Work<T> w) {
  auto& memory = block_memory<Memory<T>>();
  const int64_t n = w.p.n, k = w.p.k, tiles = upper_tiles((n + kTensorSide - 1) / kTensorSide);
  for (int64_t item = blockIdx.x; item < tiles * w.p.batch; item += gridDim.x) {
    const int64_t matrix = item / tiles;
    const UpperTile tile = upper_tile(item % tiles);
    const int64_t row = tile.row * kTensorSide, col = tile.col * kTensorSide;
    accumulate<T>(memory, {w.x + matrix * n * k, n, k, w.wide_in},
                  {w.y + matrix * n * k, n, k, w.wide_in}, row, col);
    if (row == col) {
      store_diagonal<T>(memory, w, matrix, row);
    } else {
      store_tile<T>(memory, w, matrix, row, col);
      __syncthreads();
      store_image<T>(memory, w, matrix, row, col);
    }
    __syncthreads();  // the next slabs come where the sums are
  }
}

// A block for each tile of the upper triangle, as in symmetric_product.cu, which see for sides and
// splitting. Both kinds of input come as slabs of 64 bytes a row, 20 KiB for two buffers. Limited
// by loads from shared memory: a warp matrix is read anew for every 2 of its products, so tensor
// cores run at about half their rate on sm_80; what lies beyond needs wgmma (sm_90) and tcgen05
// (sm_100), which have no common form.
template <class T>
const char* launch(const T* x, const T* y, const SymmetricProduct& p, Stream stream) {
  if (p.batch <= 0 || p.n <= 0) return nullptr;
  Work<T> w{x, y, p, false, false};
  if (p.beta == 0) w.p.addend = nullptr;
  w.wide_in = aligned16(x) && aligned16(y) && p.k % Chunk<T>::width == 0;
  w.wide_out = aligned16(p.out) && aligned16(w.p.addend) && p.n % 4 == 0;
  const int64_t blocks = upper_tiles((p.n + kTensorSide - 1) / kTensorSide) * p.batch;
  constexpr int64_t most = 1 << 20;
  return start(product<T>, {blocks < most ? blocks : most, kTensorThreads, sizeof(Memory<T>)},
               stream, w);
}

}  // namespace

const char* symmetric_product_tf32(const float* x, const float* y, const SymmetricProduct& product,
                                   Stream stream) {
  return launch(x, y, product, stream);
}

const char* symmetric_product_bf16(const Bfloat16* x, const Bfloat16* y,
                                   const SymmetricProduct& product, Stream stream) {
  static_assert(sizeof(Bfloat16) == sizeof(__nv_bfloat16));
  return launch(reinterpret_cast<const __nv_bfloat16*>(x),
                reinterpret_cast<const __nv_bfloat16*>(y), product, stream);
}

}  // namespace taut::kernels::cuda
