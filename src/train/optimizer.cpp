#include "src/train/optimizer.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>

#include "src/core/core.hpp"
#include "src/train/adamw.hpp"
#include "src/train/constraint.hpp"
#include "src/train/muon.hpp"

namespace taut::train {
namespace {

void hold(const Group& group) {
  if (std::isinf(group.cap)) return;
  if (group.layout == Layout::matrices) cap_matrices(group.value, group.cap);
  if (group.layout == Layout::rows) cap_rows(group.value, group.cap);
}

void hold_after(const Group& group, const ConstraintOptions& options, const Move& move) {
  if (group.layout == Layout::matrices) constrain(group.value, group.cap, options, move);
  if (group.layout == Layout::rows) hold(group);
}

void require_finite(const Group& group, const at::Tensor& gradient) {
  // The sum is finite only if every entry is; isfinite() would write a mask first.
  require(std::isfinite(gradient.sum(at::kDouble).item<double>()),
          "the gradient of {}{} is not finite", group.members.front().path,
          group.members.size() > 1 ? " (or of a weight stepped together with it)" : "");
}

}  // namespace

Optimizer make_optimizer(models::Network& network, const TrainOptions& options) {
  at::NoGradGuard no_grad;
  Optimizer optimizer{make_groups(network, options.optimizer, options.constraint), 0};
  for (const Group& group : optimizer.groups) hold(group);
  return optimizer;
}

Optimizer restore_optimizer(models::Network& network, const TrainOptions& options,
                            const NamedTensors& state) {
  at::NoGradGuard no_grad;
  Optimizer optimizer{make_groups(network, options.optimizer, options.constraint), 0};
  restore_state(optimizer.groups, state);
  const auto steps = state.find("adam_step");
  require(steps != state.end() && steps->second.numel() == 1,
          "the checkpoint has no optimizer state 'adam_step'");
  optimizer.adam_steps = steps->second.item<int64_t>();
  require(optimizer.adam_steps >= 0, "expected 'adam_step' >= 0 in the checkpoint, got {}",
          optimizer.adam_steps);
  return optimizer;
}

NamedTensors optimizer_state(const Optimizer& optimizer) {
  NamedTensors state;
  save_state(optimizer.groups, state);
  state["adam_step"] = at::full({}, optimizer.adam_steps, at::kLong);
  return state;
}

void step(Optimizer& optimizer, const std::vector<at::Tensor>& gradients, double rate,
          const TrainOptions& options) {
  at::NoGradGuard no_grad;
  const OptimizerOptions& o = options.optimizer;
  const bool adam_only = o.name == "adamw";
  const MuonStep muon{o.lr * rate, o.weight_decay, o.momentum, o.nesterov,
                      kernels::parse_polar_set(o.polar)};
  AdamStep adam{
      (adam_only ? o.lr : o.vector_lr) * rate, 0, o.beta1, o.beta2, o.eps, ++optimizer.adam_steps};
  Move move{o.lr * rate, o.weight_decay, kernels::worst_output(muon.polar)};
  if (adam_only) move.update = std::numeric_limits<double>::infinity();
  size_t next = 0;
  for (const Group& group : optimizer.groups) {
    const at::Tensor gradient = side_by_side(group, gradients, next);
    require_finite(group, gradient);
    switch (group.rule) {
      case Rule::muon:
        muon_step(group.value, group.momentum, gradient, muon);
        break;
      case Rule::rows:
        row_step(group.value, group.momentum, gradient, muon);
        break;
      case Rule::adam:
        adam.weight_decay = group.decays ? o.weight_decay : 0;
        adamw_step(group.value, group.momentum, group.second, gradient, adam);
        break;
    }
    hold_after(group, options.constraint, move);
  }
}

}  // namespace taut::train
