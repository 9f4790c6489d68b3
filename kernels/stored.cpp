#include "kernels/stored.hpp"

#include <ATen/ATen.h>

#include <array>
#include <cmath>

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

at::Tensor working_batch(const at::Tensor& matrices, Workspace& workspace, size_t slot) {
  const at::ScalarType dtype = matrices.scalar_type();
  require(dtype == at::kFloat || dtype == at::kDouble || dtype == at::kBFloat16,
          "expected matrices of float, double or bfloat16, got {}", toString(dtype));
  const at::Tensor batch = as_batch(matrices);
  if (dtype != at::kBFloat16) return batch;
  const at::Tensor wide = workspace.take(slot, batch.sizes(), batch.options().dtype(at::kFloat));
  return wide.copy_(batch);
}

at::Tensor as_stored(const at::Tensor& result, const at::Tensor& matrices, Workspace& workspace,
                     size_t slot) {
  if (result.scalar_type() == matrices.scalar_type()) return result.reshape(matrices.sizes());
  return workspace.take(slot, matrices.sizes(), matrices.options())
      .copy_(result.reshape(matrices.sizes()));
}

at::Tensor largest_entry(const at::Tensor& batch, const char* purpose) {
  // The vector norm of infinite order takes LibTorch ten times as long.
  constexpr std::array<int64_t, 2> entries{-2, -1};
  const at::Tensor largest =
      at::maximum(at::amax(batch, entries, true), at::amin(batch, entries, true).neg_());
  if (!batch.is_cpu()) return largest;
  const at::Tensor finite = at::isfinite(largest).flatten();
  if (finite.all().item<bool>()) return largest;
  fail("expected finite matrices to {}, got NaN or infinity in matrix {} of {} ({})", purpose,
       finite.logical_not().to(at::kByte).argmax().item<int64_t>(), shape_text(batch.sizes()),
       toString(batch.scalar_type()));
}

void require_finite(const at::Tensor& batch, const char* purpose) {
  if (batch.is_cpu()) largest_entry(batch, purpose);
}

}  // namespace taut::kernels
