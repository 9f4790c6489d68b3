#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "kernels/certified_sigma.hpp"
#include "kernels/sigma_proof.hpp"
#include "kernels/stored.hpp"
#include "kernels/top_eigenvalue.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

// A proved bound, cheapest proof first: the Frobenius norm, then Cholesky aimed at the limit and at
// two `step`s above it. These need no eigenvalue, and after a cap in floating point they decide:
// what is over is over by rounding. The tight bound takes ten times as long.
double bound_against(const ScaledMatrix& a, double limit, double step) {
  if (a.zero()) return 0;
  const double frobenius = stored_upper(frobenius_upper(a), a);
  if (frobenius <= limit) return frobenius;
  const Evidence e = gather(a);
  const double target = std::ldexp(limit, -a.exponent);
  for (const double excess : {0.0, step, 8 * step}) {
    const double rho = rho_for_limit(e, target * (1 + excess));
    const double bound = stored_upper(upper_if_completed(e, rho), a);
    if (std::isfinite(bound)) return bound;
  }
  return stored_upper(upper_from_estimate(e, estimate_top(e.g).value), a);
}

// Rounding the quotient back moves sigma by u ||W||_F <= u sqrt(min(m, n)) sigma, so the first
// round normally holds. Where it does not (subnormal entries; a bound whose excess is above u), the
// margin grows until the step is coarser than the dtype.
//
// The proof aims a little below the limit: certified_sigma takes rho 1e-10 above the eigenvalue,
// and what is held must be certified as held by that, more general proof too.
at::Tensor cap_one(at::Tensor matrix, double wanted) {
  constexpr int rounds = 20;
  const double limit = wanted * (1 - 4e-10);
  const auto side = static_cast<double>(std::min(matrix.size(0), matrix.size(1)));
  double margin = 2 * std::sqrt(side) * unit_roundoff(matrix.scalar_type());
  const double step = std::max(margin, 1e-9);  // not finer than the proof
  double bound = 0;
  for (int round = 0; round < rounds; ++round, margin *= 4) {
    bound = bound_against(scale_to_unit(matrix), limit, step);
    if (bound <= limit) return matrix;
    const double divisor = bound / limit * (1 + margin);
    require(std::isfinite(divisor), "cannot scale a matrix with norm bound {} down to {}", bound,
            limit);
    matrix = matrix.to(at::kDouble).div(divisor).to(matrix.scalar_type());
  }
  fail("expected a matrix of {} to hold the norm {} after {} divisions, its bound is still {}",
       toString(matrix.scalar_type()), limit, rounds, bound);
}

}  // namespace

at::Tensor cap_certified(const at::Tensor& matrices, double limit) {
  require(std::isfinite(limit) && limit > 0, "expected a norm limit above 0, got {}", limit);
  const at::NoGradGuard no_grad;
  const at::Tensor batch = as_batch(matrices);
  at::Tensor out;
  for (int64_t i = 0; i < batch.size(0); ++i) {
    const at::Tensor before = batch[i];
    const at::Tensor after = cap_one(before, limit);
    if (after.is_same(before)) continue;
    if (!out.defined()) out = batch.clone();
    out[i].copy_(after);
  }
  return out.defined() ? out.reshape(matrices.sizes()) : matrices;
}

}  // namespace taut::kernels
