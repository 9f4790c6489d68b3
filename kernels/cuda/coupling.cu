#include <cmath>
#include <cstdint>

#include "kernels/cuda/launch.hpp"
#include "start.hpp"

// The mathematics stands in kernels/soft_cap.cpp. Here every rounding leans towards the larger
// alpha, so that s(k) <= w_max holds for the stored one in exact arithmetic: k and the growth are
// off by less than 2^-49 of k, which 2^-46 of alpha makes good. At the limit this takes t above 1/3
// by 2^-45, where s, flat there, exceeds its end by less than 2^-88: nothing beside the 2^-46
// gained.
namespace taut::kernels::cuda {
namespace {

__device__ double shrinkage(double t) { return t * t * (3 - t * (3 - t)); }

// shrinkage(t) lies between 2 t^2 and 3 t^2 for t up to .38, so 60 halvings reach the last bit.
__device__ double least_t(double target) {
  double low = sqrt(target / 3) * (1 - 0x1p-50), high = sqrt(target / 2);
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = (low + high) / 2;
    (shrinkage(middle) < target ? low : high) = middle;
  }
  return high;
}

__device__ double coupling(double w_max, double lr, double wd, double update) {
  const double growth = lr * (update / w_max - wd);
  const bool sensible = w_max > 0 && lr >= 0 && wd >= 0 && update >= 0 && lr * wd <= 1 &&
                        growth <= 19.0 / 62 && growth - growth == 0;  // not for NaN or infinity
  if (!sensible) return sqrt(-1.0);
  // Subtracting wd may have cancelled; what is lost is a share of the terms.
  const double most = growth + lr * (update / w_max + wd) * 0x1p-51;
  if (most <= 0) return 0;
  const double k = w_max * (1 + growth);
  return least_t(most / (1 + most)) / (k * k) * (1 + 0x1p-46);
}

__global__ void couplings(const double* w_max, const double* lr, const double* wd,
                          const double* update, double* alpha, int64_t count) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    alpha[i] = coupling(w_max[i], lr[i], wd[i], update[i]);
  }
}

}  // namespace

// A thread for each matrix, some hundred dependent operations: bound by latency, microseconds that
// spare a word to the host between the optimizer's step and the cap.
const char* soft_cap_coupling(const double* w_max, const double* lr, const double* wd,
                              const double* update, double* alpha, int64_t count, Stream stream) {
  if (count <= 0) return nullptr;
  const int64_t needed = (count + 31) / 32, most = 1 << 12;
  return start(couplings, {needed < most ? needed : most, 32}, stream, w_max, lr, wd, update, alpha,
               count);
}

}  // namespace taut::kernels::cuda
