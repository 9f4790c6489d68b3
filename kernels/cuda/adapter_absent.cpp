#include "kernels/build.hpp"
#include "kernels/cuda/adapter.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {

bool cuda_compiled() { return false; }

namespace cuda {

at::Tensor polynomial_update(double, const at::Tensor&, double, const at::Tensor&) {
  fail(
      "CUDA is not in this build: it was configured without nvcc, or with a LibTorch for CPUs "
      "only");
}

}  // namespace cuda
}  // namespace taut::kernels
