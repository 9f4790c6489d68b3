#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/launch.hpp"

namespace taut::kernels::cuda {

struct Grid {
  int64_t blocks = 0;
  int threads = 0;    // of a block: whole warps
  size_t shared = 0;  // bytes of shared memory for each block
};

// Shared memory of this block. Dynamic everywhere, so that the tests can give every block its own.
template <class T>
__device__ T& block_memory() {
  extern __shared__ __align__(128) unsigned char taut_block_memory[];
  return *reinterpret_cast<T*>(taut_block_memory);
}

// Starts the kernel on the stream and returns nullptr, or the error of the launch. A fault inside
// the kernel shows at the next synchronisation, as always in CUDA.
template <class... P, class... A>
const char* start(void (*kernel)(P...), const Grid& grid, Stream stream, A... arguments) {
  constexpr size_t unasked = 48 << 10;  // more has to be asked for
  if (grid.blocks > 0x7fffffff) return cudaGetErrorString(cudaErrorInvalidConfiguration);
  if (grid.shared > unasked) {
    const cudaError_t status = cudaFuncSetAttribute(
        kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(grid.shared));
    if (status != cudaSuccess) return cudaGetErrorString(status);
  }
  kernel<<<static_cast<unsigned>(grid.blocks), grid.threads, grid.shared, stream>>>(arguments...);
  const cudaError_t status = cudaGetLastError();
  return status == cudaSuccess ? nullptr : cudaGetErrorString(status);
}

}  // namespace taut::kernels::cuda
