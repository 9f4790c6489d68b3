#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/launch.hpp"

namespace taut::kernels::cuda {

// Starts the kernel on the stream and returns nullptr, or the error of the launch. A fault inside
// the kernel shows at the next synchronisation, as always in CUDA.
template <class... P, class... A>
const char* start(void (*kernel)(P...), int blocks, int threads, Stream stream, A... arguments) {
  kernel<<<blocks, threads, 0, stream>>>(arguments...);
  const cudaError_t status = cudaGetLastError();
  return status == cudaSuccess ? nullptr : cudaGetErrorString(status);
}

}  // namespace taut::kernels::cuda
