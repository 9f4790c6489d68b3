#include "kernels/certified_sigma.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/sigma_proof.hpp"
#include "kernels/stored.hpp"
#include "kernels/top_eigenvalue.hpp"

namespace taut::kernels {
namespace {

// The proof is in sigma_proof.cpp.
Interval bound(const ScaledMatrix& a, ProofStorage& storage) {
  if (a.zero()) return {};
  Evidence e = gather(a, std::move(storage));
  EigenEstimate top = estimate_top(e.g, e.storage);
  double upper = upper_near(e, top.value);
  if (!std::isfinite(upper)) {
    // An iteration that takes two close eigenvalues for one, between them.
    top = estimate_directly(e.g, e.storage);
    upper = upper_from_estimate(e, top.value);
  }
  const Interval sigma{stored_lower(lower_witness(a, top.vector), a), stored_upper(upper, a)};
  storage = release(e);
  return sigma;
}

}  // namespace

std::vector<Interval> certified_sigma(const at::Tensor& matrices) {
  const at::NoGradGuard no_grad;
  const at::Tensor batch = as_batch(matrices);
  std::vector<Interval> out;
  ProofStorage storage;  // one for all matrices of the batch
  for (int64_t i = 0; i < batch.size(0); ++i) {
    ScaledMatrix a = scale_to_unit(batch[i], std::move(storage.entries));
    out.push_back(bound(a, storage));
    storage.entries = std::move(a.entries);
  }
  return out;
}

double certified_sigma_max(const at::Tensor& matrices) {
  double most = 0;
  for (const Interval& sigma : certified_sigma(matrices)) most = std::max(most, sigma.upper);
  return most;
}

}  // namespace taut::kernels
