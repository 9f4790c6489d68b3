#pragma once

#include "start.hpp"

// Single precision product of two slabs that a block has in shared memory. Included by kernels
// only.
//
// A warp owns 32 x 32 entries of the result, a lane 8 x 4 of them: three 16-byte loads of shared
// memory feed 32 multiply-adds, so the arithmetic is what limits. A block of side / 32 squared
// warps shares the slabs.
//
// A slab is stored depth first, slab[k][column], so that a lane reads four columns at once. Column
// c of row k lies at c ^ 8 (k / 4): a lane that brings four consecutive k of one row of X from
// memory then meets no other lane of its warp in a bank (8 rows x 4 quads of k fall into 32
// different ones), and reads along a row stay as they are.
namespace taut::kernels::cuda {

constexpr int kDepth = 16;

struct alignas(16) Quad {
  float at[4];
};

template <int side>
struct Slab {
  float at[kDepth][side];
  __device__ __forceinline__ float* place(int k, int column) {
    return &at[k][column ^ (8 * (k / 4))];
  }
  __device__ __forceinline__ Quad quad(int k, int column) {
    return *reinterpret_cast<Quad*>(place(k, column));
  }
};

template <int side>
struct Tile {
  static constexpr int threads = side * side / 32;
  static constexpr int quads = side * kDepth / 4 / threads;  // of a slab, for each thread
  struct Memory {
    Slab<side> left[2], right[2];
  };
};

// A part of a matrix (rows, cols); `wide`: 16-byte loads are possible at every fourth column.
struct Part {
  const float* start;
  int64_t rows, cols;
  bool wide;
};

// Four entries of a row from `col`, a multiple of 4; zero outside.
__device__ __forceinline__ Quad read_quad(const Part& x, int64_t row, int64_t col) {
  if (row >= x.rows || col >= x.cols) return {};
  const float* p = x.start + row * x.cols + col;
  if (x.wide) return *reinterpret_cast<const Quad*>(p);  // then cols is a multiple of 4
  Quad q = {};
  for (int i = 0; i < 4; ++i) q.at[i] = col + i < x.cols ? p[i] : 0.0f;
  return q;
}

__device__ __forceinline__ void write_quad(float* y, int64_t rows, int64_t cols, bool wide,
                                           int64_t row, int64_t col, const Quad& q) {
  if (row >= rows || col >= cols) return;
  float* p = y + row * cols + col;
  if (wide) {
    *reinterpret_cast<Quad*>(p) = q;
    return;
  }
  for (int i = 0; i < 4; ++i) {
    if (col + i < cols) p[i] = q.at[i];
  }
}

// Where a thread stands: its rows are row + {0..3} and row + 16 + {0..3}, its columns col + {0..3}.
template <int side>
struct Lane {
  int row, col;
  __device__ __forceinline__ Lane() {
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    row = warp % (side / 32) * 32 + lane / 8 * 4;
    col = warp / (side / 32) * 32 + lane % 8 * 4;
  }
};

using Sums = float[8][4];

template <int side>
__device__ __forceinline__ void multiply(Slab<side>& left, Slab<side>& right,
                                         const Lane<side>& lane, Sums& sums) {
#pragma unroll
  for (int k = 0; k < kDepth; ++k) {
    const Quad top = left.quad(k, lane.row), low = left.quad(k, lane.row + 16);
    const Quad b = right.quad(k, lane.col);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        sums[i][j] += top.at[i] * b.at[j];
        sums[4 + i][j] += low.at[i] * b.at[j];
      }
    }
  }
}

// What a thread carries of the next slab while the block multiplies the present one. Rows of X
// become columns of the slab (along: k runs along the rows of X), or stay rows (across).
template <int side>
struct Carried {
  Quad quad[Tile<side>::quads];

  // Rows first + {0 .. side - 1}, columns k + {0 .. kDepth - 1}: four lanes read 64 bytes in a row.
  __device__ __forceinline__ void read_along(const Part& x, int64_t first, int64_t k) {
#pragma unroll
    for (int i = 0; i < Tile<side>::quads; ++i) {
      const int e = static_cast<int>(threadIdx.x) + i * Tile<side>::threads;
      quad[i] = read_quad(x, first + e / 4, k + e % 4 * 4);
    }
  }
  __device__ __forceinline__ void write_along(Slab<side>& slab) const {
#pragma unroll
    for (int i = 0; i < Tile<side>::quads; ++i) {
      const int e = static_cast<int>(threadIdx.x) + i * Tile<side>::threads;
#pragma unroll
      for (int j = 0; j < 4; ++j) *slab.place(e % 4 * 4 + j, e / 4) = quad[i].at[j];
    }
  }

  // Rows k + {0 .. kDepth - 1}, columns first + {0 .. side - 1}: whole rows of the slab.
  __device__ __forceinline__ void read_across(const Part& x, int64_t first, int64_t k) {
#pragma unroll
    for (int i = 0; i < Tile<side>::quads; ++i) {
      const int e = static_cast<int>(threadIdx.x) + i * Tile<side>::threads;
      quad[i] = read_quad(x, k + e / (side / 4), first + e % (side / 4) * 4);
    }
  }
  __device__ __forceinline__ void write_across(Slab<side>& slab) const {
#pragma unroll
    for (int i = 0; i < Tile<side>::quads; ++i) {
      const int e = static_cast<int>(threadIdx.x) + i * Tile<side>::threads;
      *reinterpret_cast<Quad*>(slab.place(e / (side / 4), e % (side / 4) * 4)) = quad[i];
    }
  }
};

inline bool aligned16(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; }

}  // namespace taut::kernels::cuda
