#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "kernels/certified_sigma.hpp"
#include "kernels/rounding.hpp"
#include "kernels/sigma_proof.hpp"
#include "kernels/stored.hpp"
#include "kernels/top_eigenvalue.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

// A proved bound: Cholesky aimed at the limit and at two `step`s above it, which needs no
// eigenvalue, and after a cap in floating point decides: what is over is over by rounding. The
// tight bound takes several times as long.
double bound_against(const Evidence& e, double limit, double step) {
  // Two steps below, for the way back to stored units rounds up: in subnormal numbers that is much.
  const double target = std::ldexp(down(down(limit)), -e.a.exponent);
  for (const double excess : {0.0, step, 8 * step}) {
    const double rho = rho_for_limit(e, target * (1 + excess));
    const double bound = stored_upper(upper_if_completed(e, rho), e.a);
    if (std::isfinite(bound)) return bound;
  }
  return stored_upper(upper_from_estimate(e, estimate_top(e.g, e.storage).value), e.a);
}

// The cheapest proof first: the Frobenius norm.
double bound_of(const ScaledMatrix& a, ProofStorage& storage, double limit, double step) {
  if (a.zero()) return 0;
  const double frobenius = stored_upper(frobenius_upper(a), a);
  if (frobenius <= limit) return frobenius;
  Evidence e = gather(a, std::move(storage));
  const double bound = bound_against(e, limit, step);
  storage = release(e);
  return bound;
}

double bound_of(const at::Tensor& matrix, ProofStorage& storage, double limit, double step) {
  ScaledMatrix a = scale_to_unit(matrix, std::move(storage.entries));
  const double bound = bound_of(a, storage, limit, step);
  storage.entries = std::move(a.entries);
  return bound;
}

// In double, then rounded to the dtype of `out`.
void divide(const at::Tensor& matrix, double divisor, ProofStorage& storage,
            const at::Tensor& out) {
  storage.entries.resize(matrix.numel());
  const at::Tensor wide =
      at::from_blob(storage.entries.data(), matrix.sizes(), at::TensorOptions(at::kDouble));
  out.copy_(wide.copy_(matrix).div_(divisor));
}

// Rounding the quotient back moves sigma by u ||W||_F <= u sqrt(min(m, n)) sigma, so the first
// round normally holds. Where it does not (subnormal entries; a bound whose excess is above u), the
// margin grows until the step is coarser than the dtype.
//
// The proof aims a little below the limit: certified_sigma takes rho 1e-10 above the eigenvalue,
// and what is held must be certified as held by that, more general proof too.
//
// What does not hold is divided into `held`, which is asked for only then.
void cap_one(const at::Tensor& matrix, double wanted, ProofStorage& storage,
             const std::function<at::Tensor()>& held) {
  constexpr int rounds = 30;  // margins up to 1, from any unit
  const double limit = wanted * (1 - 4e-10);
  const auto side = static_cast<double>(std::min(matrix.size(0), matrix.size(1)));
  double margin = 2 * std::sqrt(side) * unit_roundoff(matrix.scalar_type());
  const double step = std::max(margin, 1e-9);  // not finer than the proof
  double bound = 0;
  for (int round = 0; round < rounds; ++round, margin *= 4) {
    const at::Tensor now = round == 0 ? matrix : held();
    bound = bound_of(now, storage, limit, step);
    if (bound <= limit) return;
    const double divisor = bound / limit * (1 + margin);
    require(std::isfinite(divisor), "cannot scale a matrix with norm bound {} down to {}", bound,
            limit);
    divide(now, divisor, storage, held());
  }
  fail("expected a matrix of {} to hold the norm {} after {} divisions, its bound is still {}",
       toString(matrix.scalar_type()), limit, rounds, bound);
}

}  // namespace

at::Tensor cap_certified(const at::Tensor& matrices, double limit, Workspace* workspace) {
  require(std::isfinite(limit) && limit > 0, "expected a norm limit above 0, got {}", limit);
  const at::NoGradGuard no_grad;
  Workspace own;
  Workspace& w = workspace != nullptr ? *workspace : own;
  const at::Tensor batch = as_batch(matrices);
  at::Tensor out;  // a copy, once something has to change
  for (int64_t i = 0; i < batch.size(0); ++i) {
    const at::Tensor before = batch[i];
    cap_one(before, limit, w.proof, [&] {
      if (!out.defined()) {
        out = w.take(kCertifiedSlots, batch.sizes(), batch.options());
        out.copy_(batch);
      }
      return out[i];
    });
  }
  return out.defined() ? out.reshape(matrices.sizes()) : matrices;
}

}  // namespace taut::kernels
