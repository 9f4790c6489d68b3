#include "kernels/polynomial.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "kernels/cuda/adapter.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {

at::Tensor polynomial_update(double a, const at::Tensor& x, double b, const at::Tensor& z) {
  const at::NoGradGuard no_grad;
  require(x.sizes() == z.sizes() && x.scalar_type() == z.scalar_type() && x.device() == z.device(),
          "expected two tensors of one shape, dtype and device, got {} {} and {} {}",
          shape_text(x.sizes()), toString(x.scalar_type()), shape_text(z.sizes()),
          toString(z.scalar_type()));
  require(x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble,
          "expected float or double, got {}", toString(x.scalar_type()));
  if (x.is_cuda()) return cuda::polynomial_update(a, x, b, z);
  return at::mul(z, b).add_(x, a);
}

}  // namespace taut::kernels
