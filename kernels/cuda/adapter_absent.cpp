#include "kernels/build.hpp"
#include "kernels/check_kernels.hpp"
#include "kernels/cuda/adapter.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

[[noreturn]] void absent() {
  fail(
      "CUDA is not in this build: it was configured without nvcc, or with a LibTorch for CPUs "
      "only");
}

}  // namespace

bool cuda_compiled() { return false; }

std::vector<KernelCheck> check_kernels(const std::vector<at::Tensor>&) { absent(); }

namespace cuda {

using at::Tensor;

bool serves(const Tensor&) { return false; }

Tensor polynomial_update(double, const Tensor&, double, const Tensor&) { absent(); }
void symmetric_product(Tensor, double, const Tensor&, double, const Tensor&, const Tensor&,
                       const Tensor&) {
  absent();
}
Tensor gram_product_rounded(const Tensor&) { absent(); }
void symmetric_times(Tensor, double, const Tensor&, const Tensor&) { absent(); }
Tensor row_norms(const Tensor&) { absent(); }
Tensor row_rms_cap(const Tensor&, double) { absent(); }
Tensor ball_clamp(const Tensor&, double) { absent(); }
Tensor ball_clamp_backward(const Tensor&, const Tensor&, double) { absent(); }
Tensor power_step(const Tensor&, Tensor&, Tensor&) { absent(); }
Tensor rank_one_update(const Tensor&, const Tensor&, const Tensor&, const Tensor&, double, double) {
  absent();
}
Tensor spectral_divide(const Tensor&, const Tensor&, double) { absent(); }
Tensor soft_cap_coupling(const Tensor&, const Tensor&, const Tensor&, const Tensor&) { absent(); }
Stepped ball_step(const Step&) { absent(); }

}  // namespace cuda
}  // namespace taut::kernels
