#pragma once

#include <cstdint>

// Launchers that know neither LibTorch nor the CUDA headers: pointers, sizes and a stream.
struct CUstream_st;

namespace taut::kernels::cuda {

using Stream = CUstream_st*;  // cudaStream_t

// y[i] = a x[i] + b z[i] for i in [0, size). Any alignment of T; y may be x or z, but not overlap
// them otherwise. Returns nullptr, or what is wrong with the launch in CUDA's words.
const char* polynomial_update(double a, const float* x, double b, const float* z, float* y,
                              int64_t size, Stream stream);
const char* polynomial_update(double a, const double* x, double b, const double* z, double* y,
                              int64_t size, Stream stream);

}  // namespace taut::kernels::cuda
