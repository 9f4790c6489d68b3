#pragma once

#include "wmma.hpp"  // device/wmma.hpp for nvcc

#include "kernels/cuda/tile.hpp"

// Product of two slabs on tensor cores: 64 x 64 entries, four warps with 32 x 32 each, as 2 x 2
// warp matrices. Included by kernels only.
namespace taut::kernels::cuda {

constexpr int kTensorSide = 64, kTensorThreads = 128;

template <class T>
struct Core;
template <>
struct Core<__nv_bfloat16> {
  using Entry = __nv_bfloat16;
  static constexpr int depth = 16;
  static __device__ __forceinline__ __nv_bfloat16 rounded(__nv_bfloat16 x) { return x; }
};
template <>
struct Core<float> {
  using Entry = nvcuda::wmma::precision::tf32;
  static constexpr int depth = 8;
  static __device__ __forceinline__ float rounded(float x) {
    return nvcuda::wmma::__float_to_tf32(x);
  }
};

// 64 rows, 64 bytes of each; 16 bytes between rows put the eight rows that a warp matrix is read
// from in different banks (80 r modulo 128 takes eight values).
template <class T>
struct alignas(128) TensorSlab {
  static constexpr int depth = 64 / sizeof(T), stride = 80 / sizeof(T);
  T at[kTensorSide][stride];
};

template <class T>
struct alignas(16) Chunk {
  static constexpr int width = 16 / sizeof(T);
  T at[width];
};

template <class T>
struct TensorPart {
  const T* start;
  int64_t rows, cols;
  bool wide;
};

// What a thread carries of the next slab: two chunks, four lanes to the 64 bytes of a row.
template <class T>
struct CarriedChunks {
  Chunk<T> chunk[2];

  __device__ __forceinline__ void read(const TensorPart<T>& x, int64_t first, int64_t k) {
    using C = Chunk<T>;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int e = static_cast<int>(threadIdx.x) + i * kTensorThreads;
      const int64_t row = first + e / 4, col = k + e % 4 * C::width;
      chunk[i] = {};
      if (row >= x.rows || col >= x.cols) continue;
      const T* p = x.start + row * x.cols + col;
      if (x.wide) {
        chunk[i] = *reinterpret_cast<const C*>(p);  // then cols is a multiple of the width
        continue;
      }
      for (int j = 0; j < C::width; ++j) {
        if (col + j < x.cols) chunk[i].at[j] = p[j];
      }
    }
  }

  // Rounded once here, not each time that a warp reads it.
  __device__ __forceinline__ void write(TensorSlab<T>& slab) const {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int e = static_cast<int>(threadIdx.x) + i * kTensorThreads;
      Chunk<T> c;
      for (int j = 0; j < Chunk<T>::width; ++j) c.at[j] = Core<T>::rounded(chunk[i].at[j]);
      *reinterpret_cast<Chunk<T>*>(&slab.at[e / 4][e % 4 * Chunk<T>::width]) = c;
    }
  }
};

template <class T>
using Accumulator =
    nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, Core<T>::depth, float>;

template <class T>
using Accumulators = Accumulator<T>[2][2];

// X Y^T of two slabs, for the 32 x 32 entries from (row, col): Y's slab read by columns is Y^T.
template <class T>
__device__ __forceinline__ void multiply(const TensorSlab<T>& x, const TensorSlab<T>& y, int row,
                                         int col, Accumulators<T>& sums) {
  namespace wmma = nvcuda::wmma;
  using Entry = typename Core<T>::Entry;
  constexpr int depth = Core<T>::depth, stride = TensorSlab<T>::stride;
#pragma unroll
  for (int k = 0; k < TensorSlab<T>::depth; k += depth) {
    wmma::fragment<wmma::matrix_a, 16, 16, depth, Entry, wmma::row_major> left[2];
    wmma::fragment<wmma::matrix_b, 16, 16, depth, Entry, wmma::col_major> right[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      wmma::load_matrix_sync(left[i], &x.at[row + 16 * i][k], stride);
      wmma::load_matrix_sync(right[i], &y.at[col + 16 * i][k], stride);
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int j = 0; j < 2; ++j) wmma::mma_sync(sums[i][j], left[i], right[j], sums[i][j]);
    }
  }
}

}  // namespace taut::kernels::cuda
