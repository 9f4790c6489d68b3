#include "kernels/stored.hpp"

#include <ATen/ATen.h>

#include "src/core/core.hpp"

namespace taut::kernels {

double unit_roundoff(at::ScalarType dtype) {
  switch (dtype) {
    case at::kDouble:
      return 0x1p-53;
    case at::kFloat:
      return 0x1p-24;
    case at::kHalf:
      return 0x1p-11;
    case at::kBFloat16:
      return 0x1p-8;
    case at::kFloat8_e4m3fn:
      return 0x1p-4;
    case at::kFloat8_e5m2:
      return 0x1p-3;
    default:
      fail("expected a tensor of double, float, half, bfloat16 or 8-bit floats, got {}",
           toString(dtype));
  }
}

at::Tensor as_batch(const at::Tensor& matrices) {
  unit_roundoff(matrices.scalar_type());
  require(matrices.dim() >= 2, "expected matrices (..., m, n), got {}",
          shape_text(matrices.sizes()));
  int64_t batch = 1;  // not -1 in reshape, which is ambiguous for empty matrices
  for (int64_t i = 0; i + 2 < matrices.dim(); ++i) batch *= matrices.size(i);
  return matrices.detach().reshape({batch, matrices.size(-2), matrices.size(-1)});
}

}  // namespace taut::kernels
