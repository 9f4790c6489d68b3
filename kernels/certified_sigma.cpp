#include "kernels/certified_sigma.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "kernels/sigma_proof.hpp"
#include "kernels/stored.hpp"
#include "kernels/top_eigenvalue.hpp"

namespace taut::kernels {
namespace {

// The proof is in sigma_proof.cpp.
Interval bound(const ScaledMatrix& a) {
  if (a.zero()) return {};
  const Evidence e = gather(a);
  const EigenEstimate top = estimate_top(e.g);
  return {stored_lower(lower_witness(a, top.vector), a),
          stored_upper(upper_from_estimate(e, top.value), a)};
}

}  // namespace

std::vector<Interval> certified_sigma(const at::Tensor& matrices) {
  const at::NoGradGuard no_grad;
  const at::Tensor batch = as_batch(matrices);
  std::vector<Interval> out;
  for (int64_t i = 0; i < batch.size(0); ++i) out.push_back(bound(scale_to_unit(batch[i])));
  return out;
}

double certified_sigma_max(const at::Tensor& matrices) {
  double most = 0;
  for (const Interval& sigma : certified_sigma(matrices)) most = std::max(most, sigma.upper);
  return most;
}

}  // namespace taut::kernels
