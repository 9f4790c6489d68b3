#include "kernels/symmetric.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "kernels/cuda/adapter.hpp"
#include "kernels/polynomial.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

void require_batch(const at::Tensor& x) {
  require(x.dim() == 3, "expected matrices (batch, n, m), got {}", shape_text(x.sizes()));
}

void require_square(const at::Tensor& r) {
  require_batch(r);
  require(r.size(1) == r.size(2), "expected square matrices, got {}", shape_text(r.sizes()));
}

}  // namespace

at::Tensor gram_product(const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  require_batch(x);
  return cuda::serves(x) ? cuda::gram_product(x) : at::matmul(x, x.mT());
}

at::Tensor quadratic(double b, const at::Tensor& r, double c) {
  const at::NoGradGuard no_grad;
  require_square(r);
  return cuda::serves(r) ? cuda::quadratic(b, r, c) : polynomial_update(b, r, c, at::matmul(r, r));
}

at::Tensor symmetric_times(double a, const at::Tensor& x, const at::Tensor& z) {
  const at::NoGradGuard no_grad;
  require_batch(x);
  require_square(z);
  require(z.size(0) == x.size(0) && z.size(1) == x.size(1) && z.scalar_type() == x.scalar_type() &&
              z.device() == x.device(),
          "expected matrices that multiply {} {}, got {} {}", shape_text(x.sizes()),
          toString(x.scalar_type()), shape_text(z.sizes()), toString(z.scalar_type()));
  return cuda::serves(x) ? cuda::symmetric_times(a, x, z)
                         : polynomial_update(a, x, 1, at::matmul(z, x));
}

}  // namespace taut::kernels
