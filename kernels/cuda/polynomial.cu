#include <cstdint>

#include "kernels/cuda/launch.hpp"
#include "start.hpp"  // device/start.hpp for nvcc; a host version where threads run on the CPU

namespace taut::kernels::cuda {
namespace {

// 16 bytes: the widest load of one thread.
template <class T>
struct alignas(16) Pack {
  static constexpr int width = 16 / sizeof(T);
  T entry[width];
};

template <class T>
__global__ void update(T a, const T* x, T b, const T* z, T* y, int64_t packs, int64_t size) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = first; i < packs; i += stride) {
    Pack<T> px = reinterpret_cast<const Pack<T>*>(x)[i];
    const Pack<T> pz = reinterpret_cast<const Pack<T>*>(z)[i];
    for (int k = 0; k < Pack<T>::width; ++k) px.entry[k] = a * px.entry[k] + b * pz.entry[k];
    reinterpret_cast<Pack<T>*>(y)[i] = px;
  }
  for (int64_t i = packs * Pack<T>::width + first; i < size; i += stride) {
    y[i] = a * x[i] + b * z[i];
  }
}

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; }

// Bound by memory: three streams and two operations an entry. 256 threads keep eight blocks on a
// multiprocessor of any supported GPU (2048 threads), 2048 blocks fill the largest one (148) with a
// little to balance, and the grid-stride loop takes the rest without a tail of new blocks.
template <class T>
const char* launch(double a, const T* x, double b, const T* z, T* y, int64_t size, Stream stream) {
  if (size <= 0) return nullptr;  // an empty grid is an invalid launch
  constexpr int64_t threads = 256, most_blocks = 2048;
  const bool wide = aligned(x) && aligned(z) && aligned(y);
  const int64_t packs = wide ? size / Pack<T>::width : 0;
  const int64_t work = wide ? packs + 1 : size;
  const int64_t needed = (work + threads - 1) / threads;
  const int64_t blocks = needed < most_blocks ? needed : most_blocks;
  return start(update<T>, {blocks, static_cast<int>(threads)}, stream, static_cast<T>(a), x,
               static_cast<T>(b), z, y, packs, size);
}

}  // namespace

const char* polynomial_update(double a, const float* x, double b, const float* z, float* y,
                              int64_t size, Stream stream) {
  return launch(a, x, b, z, y, size, stream);
}

const char* polynomial_update(double a, const double* x, double b, const double* z, double* y,
                              int64_t size, Stream stream) {
  return launch(a, x, b, z, y, size, stream);
}

}  // namespace taut::kernels::cuda
