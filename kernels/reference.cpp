#include "kernels/reference.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "kernels/polar_sets.hpp"

namespace taut::kernels::reference {
namespace {

using at::Tensor;

// U diag(map(sigma)) V^T
template <class Map>
Tensor on_singular_values(const Tensor& matrices, const Map& map) {
  const at::NoGradGuard no_grad;
  const auto [u, s, vt] = at::linalg_svd(matrices.to(at::kDouble), /*full_matrices=*/false);
  return at::matmul(u * map(s).unsqueeze(-2), vt);
}

Tensor largest(const Tensor& values) { return values.abs().amax(-1, true); }

Tensor without_zero(const Tensor& x) { return at::where(x == 0, at::ones_like(x), x); }

// (sum |x|^order)^(1/order) without leaving the range of double.
Tensor power_norm(const Tensor& values, double order) {
  const Tensor most = largest(values);
  const Tensor sum = (values.abs() / without_zero(most)).pow(order).sum(-1, true);
  return most * sum.pow(1 / order);
}

Tensor composed(const Tensor& values, Polar polar) {
  Tensor x = values / without_zero(power_norm(values, 4));
  for (const Quintic& step : polar_steps(polar)) {
    const Tensor square = x * x;
    x = x * (step.a + square * (step.b + square * step.c));
  }
  return x;
}

// The largest value replaced by offset + slope times it.
Tensor with_largest(const Tensor& s, double offset, double slope) {
  const Tensor first = s.narrow(-1, 0, 1);
  const Tensor changed = at::where(first > 0, first * slope + offset, first);
  return at::cat({changed, s.narrow(-1, 1, s.size(-1) - 1)}, -1);
}

}  // namespace

Tensor orthogonalize(const Tensor& matrices, Polar polar) {
  return on_singular_values(matrices, [&](const Tensor& s) { return composed(s, polar); });
}

Tensor sign_symmetric(const Tensor& matrices, Polar polar) {
  const at::NoGradGuard no_grad;
  const auto [values, vectors] = at::linalg_eigh(matrices.to(at::kDouble));
  return at::matmul(vectors * composed(values, polar).unsqueeze(-2), vectors.mT());
}

Tensor soft_cap(const Tensor& matrices, double alpha) {
  return on_singular_values(matrices, [&](const Tensor& s) {
    const Tensor root = s * std::sqrt(alpha), t = root * root;  // alpha alone may be beyond s^-2
    return s * (1 - t) * (1 + t * (1 - t).square());
  });
}

Tensor hard_cap(const Tensor& matrices, double limit) {
  return on_singular_values(matrices, [&](const Tensor& s) { return s.clamp_max(limit); });
}

Tensor spectral_normalize(const Tensor& matrices, double limit) {
  return on_singular_values(matrices,
                            [&](const Tensor& s) { return s / (largest(s) / limit).clamp_min(1); });
}

Tensor spectral_hammer(const Tensor& matrices, double limit) {
  return on_singular_values(matrices, [&](const Tensor& s) { return with_largest(s, limit, 0); });
}

Tensor spectral_weight_decay(const Tensor& matrices, double decay) {
  return on_singular_values(matrices,
                            [&](const Tensor& s) { return with_largest(s, 0, 1 - decay); });
}

Tensor row_rms_cap(const Tensor& table, double cap) {
  const Tensor rows = table.to(at::kDouble);
  const Tensor rms = power_norm(rows, 2) / std::sqrt(static_cast<double>(rows.size(-1)));
  return rows / (rms / cap).clamp_min(1);
}

Tensor top_value(const Tensor& matrices) {
  return at::linalg_svdvals(matrices.to(at::kDouble)).select(-1, 0);
}

Tensor gram_bound(const Tensor& matrices, int iterations) {
  return power_norm(at::linalg_svdvals(matrices.to(at::kDouble)), std::exp2(iterations + 2))
      .squeeze(-1);
}

}  // namespace taut::kernels::reference
