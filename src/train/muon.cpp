#include "src/train/muon.hpp"

#include <ATen/ATen.h>

#include <limits>

#include "src/train/constraint.hpp"

namespace taut::train {
namespace {

// Advances the moving average and returns the direction of this step.
at::Tensor direction(const at::Tensor& momentum, const at::Tensor& gradient, const MuonStep& step,
                     kernels::Workspace* workspace = nullptr) {
  momentum.lerp_(gradient, 1 - step.momentum);
  if (!step.nesterov) return momentum;
  if (workspace == nullptr) return gradient.lerp(momentum, step.momentum);
  at::Tensor ahead =
      workspace->take(kernels::kCallerSlots + 1, momentum.sizes(), momentum.options());
  return at::lerp_out(ahead, gradient, momentum, step.momentum);
}

}  // namespace

void muon_step(const at::Tensor& value, const at::Tensor& momentum, const at::Tensor& gradient,
               const MuonStep& step, kernels::Workspace* workspace) {
  const at::Tensor delta =
      kernels::orthogonalize(direction(momentum, gradient, step, workspace), step.polar,
                             kernels::PolarForm::automatic, workspace);
  if (step.weight_decay > 0) value.mul_(1 - step.lr * step.weight_decay);
  value.sub_(delta, step.lr * unit_norm(value.sizes()));
}

void row_step(const at::Tensor& value, const at::Tensor& momentum, const at::Tensor& gradient,
              const MuonStep& step) {
  if (step.weight_decay > 0) value.mul_(1 - step.lr * step.weight_decay);
  value.sub_(rows_to_unit_rms(direction(momentum, gradient, step)), step.lr);
}

at::Tensor rows_to_unit_rms(const at::Tensor& rows) {
  // Divided by the largest entry first: squares of gradients underflow in fp32.
  const at::Tensor top = rows.abs().max().clamp_min(std::numeric_limits<float>::min());
  const at::Tensor scaled = rows / top;
  const at::Tensor rms = scaled.square().mean(-1, /*keepdim=*/true).sqrt();
  const at::Tensor least = (rms.max() / kInflation).clamp_min(std::numeric_limits<float>::min());
  return scaled / rms.maximum(least);
}

}  // namespace taut::train
