#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "kernels/cuda/adapter.hpp"
#include "kernels/rounding.hpp"
#include "kernels/soft_cap.hpp"
#include "kernels/stored.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

// (..., 1) in double, at least RMS(row). The largest entry first, so that squares neither overflow
// nor vanish; then division, square, sum, mean, root and product round at most d + 8 times.
at::Tensor rms_up(const at::Tensor& rows) {
  const at::Tensor x = rows.to(at::kDouble);
  const at::Tensor largest = at::amax(at::abs(x), -1, true);
  const at::Tensor unit = at::where(largest > 0, largest, at::ones_like(largest));
  const at::Tensor mean = at::square(x / unit).mean(at::OptionalIntArrayRef({-1}), true);
  return unit * mean.sqrt() * (1 + gamma_up(x.size(-1) + 8)) + 0x1p-1074;  // subnormal products
}

}  // namespace

at::Tensor row_rms_cap(const at::Tensor& table, double cap) {
  const at::NoGradGuard no_grad;
  const double unit = unit_roundoff(table.scalar_type());
  require(table.dim() >= 1, "expected rows (..., d), got a scalar");
  require(std::isfinite(cap) && cap > 0, "expected an RMS cap above 0, got {}", cap);
  at::Tensor out = table.detach();
  if (out.numel() == 0) return out;
  if (cuda::serves(out)) return cuda::row_rms_cap(out, cap);
  require(at::isfinite(out.to(at::kDouble)).all().item<bool>(),
          "expected finite rows to cap, got NaN or infinity in {}", shape_text(table.sizes()));
  // Rounding the quotient moves each entry, hence the RMS, by a share u; the margin grows for rows
  // of subnormal entries.
  double margin = 2 * unit;
  constexpr int rounds = 20;
  for (int round = 0; round < rounds; ++round, margin *= 4) {
    const at::Tensor rms = rms_up(out);
    const at::Tensor above = rms > cap;
    if (!above.any().item<bool>()) return out;
    const at::Tensor shrunk = out.to(at::kDouble) / (rms / cap * (1 + margin));
    out = at::where(above, shrunk.to(table.scalar_type()), out);
  }
  fail("expected rows of {} to hold the RMS {} after {} divisions", toString(table.scalar_type()),
       cap, rounds);
}

}  // namespace taut::kernels
