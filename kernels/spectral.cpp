#include "kernels/spectral.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "kernels/certified_sigma.hpp"
#include "kernels/cuda/adapter.hpp"
#include "kernels/gram_bound.hpp"
#include "kernels/orthogonalize.hpp"
#include "kernels/stored.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

constexpr int64_t kBlock = 4;  // twins and triplets of the largest value converge as one space
constexpr uint64_t kSeed = 0x5ec7;
constexpr int kGramSteps = 7;  // Schatten-512: at most 1.2 % above sigma at rank 512

enum Slot : size_t { kWide = kSpectralSlots, kX, kOut, kStored };

// The same for every matrix: what a matrix comes to does not depend on those beside it.
at::Tensor first_block(const at::Tensor& x) {
  const int64_t block = std::min({kBlock, x.size(1), x.size(2)});
  return at::randn({1, x.size(2), block}, make_generator(kSeed), x.scalar_type())
      .to(x.device())
      .expand({x.size(0), -1, -1});
}

// Zero vectors stay zero.
at::Tensor to_unit(const at::Tensor& vectors, at::Tensor& norm) {
  norm = at::linalg_vector_norm(vectors, 2, at::IntArrayRef{1});
  return vectors / at::where(norm == 0, at::ones_like(norm), norm).unsqueeze(1);
}

at::Tensor basis(const at::Tensor& block) { return std::get<0>(at::linalg_qr(block)); }

// W + (offset + slope sigma_1) u v^T; a zero matrix has no direction to raise.
at::Tensor with_rank_one(const at::Tensor& matrices, const TopPair& top, double offset,
                         double slope, Workspace* workspace) {
  Workspace own;
  Workspace& w = workspace != nullptr ? *workspace : own;
  const at::Tensor x = working_batch(matrices, w, kWide);
  require_finite(x, "raise or shrink");
  require(top.left.size(0) == x.size(0) && top.left.size(1) == x.size(1) &&
              top.right.size(1) == x.size(2),
          "expected singular vectors of {}, got {} and {}", shape_text(matrices.sizes()),
          shape_text(top.left.sizes()), shape_text(top.right.sizes()));
  if (cuda::serves(x) && cuda::serves(top.left) && cuda::serves(top.right)) {
    return as_stored(cuda::rank_one_update(x, top.left, top.right, top.value, offset, slope),
                     matrices, w, kStored);
  }
  const at::Tensor weight =
      at::where(top.value > 0, top.value * slope + offset, 0.0).to(top.left.scalar_type());
  const at::Tensor left = top.left * weight.unsqueeze(1);
  at::Tensor out = w.take(kOut, x.sizes(), x.options());
  at::baddbmm_out(out, x, left.unsqueeze(2), top.right.unsqueeze(1));
  return as_stored(out, matrices, w, kStored);
}

}  // namespace

TopPair power_iteration(const at::Tensor& matrices, at::Tensor& v, int steps) {
  const at::NoGradGuard no_grad;
  require(steps > 0, "expected at least one step, got {}", steps);
  const at::Tensor x = as_batch(matrices);
  require(v.dim() == 2 && v.size(0) == x.size(0) && v.size(1) == x.size(2) &&
              v.scalar_type() == x.scalar_type() && v.device() == x.device(),
          "expected vectors (batch, {}) to start from, got {}", x.size(2), shape_text(v.sizes()));
  TopPair top;
  if (cuda::serves(x)) {
    for (int i = 0; i < steps; ++i) top.value = cuda::power_step(x, v, top.left);
  } else {
    const at::Tensor wide = x.to(at::kDouble);  // squares of tiny or huge entries leave float
    at::Tensor left, right = v.to(at::kDouble);
    for (int i = 0; i < steps; ++i) {
      left = to_unit(at::matmul(wide, right.unsqueeze(2)).squeeze(2), top.value);
      right = to_unit(at::matmul(wide.mT(), left.unsqueeze(2)).squeeze(2), top.value);
    }
    top.left = left.to(x.scalar_type());
    v = right.to(x.scalar_type());
  }
  top.right = v;
  return top;
}

TopPair top_singular(const at::Tensor& matrices, at::Tensor& start, int iterations,
                     Workspace* workspace) {
  const at::NoGradGuard no_grad;
  require(iterations > 0, "expected at least one iteration, got {}", iterations);
  Workspace own;
  Workspace& w = workspace != nullptr ? *workspace : own;
  const at::Tensor wide = working_batch(matrices, w, kWide);
  require(wide.numel() > 0, "expected matrices with entries, got {}", shape_text(matrices.sizes()));
  // Squares of tiny or huge entries leave the range of the dtype.
  const at::Tensor largest = largest_entry(wide, "find the norm of");
  const at::Tensor unit = at::where(largest > 0, largest, at::ones_like(largest));
  at::Tensor x = w.take(kX, wide.sizes(), wide.options());
  at::div_out(x, wide, unit);
  at::Tensor v = start.defined() ? start : first_block(x);
  require(v.dim() == 3 && v.size(0) == x.size(0) && v.size(1) == x.size(2),
          "expected a block (batch, {}, k) to start from, got {}", x.size(2),
          shape_text(v.sizes()));
  v = basis(v);
  for (int i = 0; i < iterations; ++i) v = basis(at::matmul(x.mT(), basis(at::matmul(x, v))));
  // Rayleigh-Ritz: the best triple with a right vector in the span of the block.
  const at::Tensor image = at::matmul(x, v);
  const auto [u, s, vt] = at::linalg_svd(image, /*full_matrices=*/false);
  start = at::matmul(v, vt.mT());
  const at::Tensor live = (largest > 0).reshape({-1, 1}).to(x.scalar_type());
  return {s.select(1, 0) * unit.reshape({-1}) * live.squeeze(1), u.select(2, 0) * live,
          start.select(2, 0) * live};
}

at::Tensor spectral_normalize(const at::Tensor& matrices, double limit, Workspace* workspace,
                              Proof proof) {
  if (proof == Proof::now) return cap_certified(matrices, limit, workspace);
  const at::NoGradGuard no_grad;
  require(std::isfinite(limit) && limit > 0, "expected a norm limit above 0, got {}", limit);
  const at::Tensor batch = as_batch(matrices);
  const at::Tensor excess = (gram_bound(batch, kGramSteps) / limit).clamp_min(1);
  return (batch / excess.reshape({-1, 1, 1}).to(batch.scalar_type())).reshape(matrices.sizes());
}

at::Tensor spectral_hammer(const at::Tensor& matrices, const TopPair& top, double limit,
                           Workspace* workspace, Proof proof) {
  const at::NoGradGuard no_grad;
  require(std::isfinite(limit) && limit > 0, "expected a norm limit above 0, got {}", limit);
  const at::Tensor raised = with_rank_one(matrices, top, limit, -1, workspace);
  return proof == Proof::now ? cap_certified(raised, limit, workspace) : raised;
}

at::Tensor spectral_weight_decay(const at::Tensor& matrices, const TopPair& top, double decay,
                                 Workspace* workspace) {
  const at::NoGradGuard no_grad;
  require(decay >= 0 && decay <= 1, "expected a decay in [0, 1], got {}", decay);
  return with_rank_one(matrices, top, 0, -decay, workspace);
}

at::Tensor stiefel(const at::Tensor& matrices, double limit, Workspace* workspace, Proof proof) {
  const at::NoGradGuard no_grad;
  require(std::isfinite(limit) && limit > 0, "expected a norm limit above 0, got {}", limit);
  at::Tensor polar =
      orthogonalize(matrices, {PolarSet::polar_express, 7}, PolarForm::automatic, workspace);
  polar.mul_(limit);
  return proof == Proof::now ? cap_certified(polar, limit, workspace) : polar;
}

}  // namespace taut::kernels
