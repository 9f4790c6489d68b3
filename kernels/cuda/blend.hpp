#pragma once

#include "start.hpp"

namespace taut::kernels::cuda {

// What a symmetric product makes of one sum: alpha sum + beta d.
struct Blend {
  float alpha, beta;
  const float* addend;  // of this matrix; null for none
  __device__ __forceinline__ float operator()(float sum, float d) const {
    return addend != nullptr ? alpha * sum + beta * d : alpha * sum;
  }
};

__device__ __forceinline__ Blend blend_of(const SymmetricProduct& p, int64_t matrix) {
  const double each = p.each != nullptr ? p.each[matrix] : 1.0;
  return {static_cast<float>(p.alpha * each), static_cast<float>(p.beta),
          p.addend != nullptr ? p.addend + matrix * p.n * p.n : nullptr};
}

}  // namespace taut::kernels::cuda
