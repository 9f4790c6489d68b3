#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <type_traits>

#include "start.hpp"

// Takes the place of kernels/cuda/device/wmma.hpp: warp matrices of 16 x 16 accumulators. Which
// lane holds which entry is scrambled here and unknown on a GPU, so no kernel can depend on it.
struct __nv_bfloat16 {
  uint16_t bits;
};

inline float operand(__nv_bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float wide;
  __builtin_memcpy(&wide, &bits, sizeof wide);
  return wide;
}

namespace nvcuda::wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
namespace precision {
struct tf32;
}
enum layout_t { mem_row_major, mem_col_major };

[[noreturn]] inline void refuse(const char* what) {
  std::printf("failed: %s\n", what);
  std::fflush(stdout);
  std::_Exit(3);
}

// 10 bits of mantissa, to nearest, ties away from zero (cvt.rna.tf32).
inline float __float_to_tf32(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x1000u) & ~0x1fffu;
  __builtin_memcpy(&x, &bits, sizeof bits);
  return x;
}

inline float operand(float x) {
  if (std::isfinite(x) && __float_to_tf32(x) != x) refuse("a tensor core was fed unrounded floats");
  return x;
}
using ::operand;

template <class T>
struct Entry {
  using type = T;
};
template <>
struct Entry<precision::tf32> {
  using type = float;
};

template <class Use, int M, int N, int K, class T, class Layout = void>
struct fragment {
  static constexpr int rows = std::is_same_v<Use, matrix_b> ? K : M;
  static constexpr int cols = std::is_same_v<Use, matrix_a> ? K : N;
  static constexpr int num_elements = rows * cols / 32;
  typename Entry<T>::type x[num_elements];
};

// Entry i of a lane is entry 5 (lane num_elements + i) of the matrix, modulo its size (a power of
// two up to 256, to which 5 is prime: 5 * 205 = 1025), counted row by row.
template <class F>
int place(int i) {
  const int counted = static_cast<int>(taut::test::lane()) * F::num_elements + i;
  return counted * 5 % (F::rows * F::cols);
}

// The same entry as its lane holds it; `lanes` are the addresses of their fragments.
template <class F>
__attribute__((no_sanitize("thread"))) float entry(const uint64_t* lanes, int row, int col) {
  const int counted = (row * F::cols + col) * 205 % (F::rows * F::cols);
  const auto* f = reinterpret_cast<const F*>(lanes[counted / F::num_elements]);
  return operand(f->x[counted % F::num_elements]);
}

template <class F, class T>
void fill_fragment(F& f, T value) {
  for (auto& x : f.x) x = value;
}

template <class T>
void check_address(const T* p, unsigned ld) {
  if (reinterpret_cast<uintptr_t>(p) % 32 != 0 || ld * sizeof(T) % 16 != 0) {
    refuse("a warp matrix at an address that is not aligned");
  }
}

template <class Use, int M, int N, int K, class T, class Layout, class S>
void load_matrix_sync(fragment<Use, M, N, K, T, Layout>& f, const S* p, unsigned ld) {
  using F = fragment<Use, M, N, K, T, Layout>;
  check_address(p, ld);
  for (int i = 0; i < F::num_elements; ++i) {
    const int row = place<F>(i) / F::cols, col = place<F>(i) % F::cols;
    const int step = static_cast<int>(ld);
    f.x[i] = p[std::is_same_v<Layout, row_major> ? row * step + col : col * step + row];
  }
  taut::test::wait_for_warp(false);
}

template <int M, int N, int K>
void store_matrix_sync(float* p, const fragment<accumulator, M, N, K, float>& f, unsigned ld,
                       layout_t layout) {
  using F = fragment<accumulator, M, N, K, float>;
  check_address(p, ld);
  for (int i = 0; i < F::num_elements; ++i) {
    const int row = place<F>(i) / N, col = place<F>(i) % N, step = static_cast<int>(ld);
    p[layout == mem_row_major ? row * step + col : col * step + row] = f.x[i];
  }
  taut::test::wait_for_warp(false);
}

template <int M, int N, int K, class T, class LA, class LB>
__attribute__((no_sanitize("thread"))) void mma_sync(
    fragment<accumulator, M, N, K, float>& d, const fragment<matrix_a, M, N, K, T, LA>& a,
    const fragment<matrix_b, M, N, K, T, LB>& b, const fragment<accumulator, M, N, K, float>& c) {
  using FA = fragment<matrix_a, M, N, K, T, LA>;
  using FB = fragment<matrix_b, M, N, K, T, LB>;
  using FD = fragment<accumulator, M, N, K, float>;
  uint64_t of_a[32], of_b[32];
  taut::test::gather(reinterpret_cast<uint64_t>(&a), of_a);
  taut::test::gather(reinterpret_cast<uint64_t>(&b), of_b);
  for (int i = 0; i < FD::num_elements; ++i) {
    float sum = c.x[i];
    for (int k = 0; k < K; ++k) {
      sum += entry<FA>(of_a, place<FD>(i) / N, k) * entry<FB>(of_b, k, place<FD>(i) % N);
    }
    d.x[i] = sum;
  }
  taut::test::wait_for_warp(false);
}

}  // namespace nvcuda::wmma
