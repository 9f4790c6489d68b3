#include "src/train/optimizer.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/core/core.hpp"
#include "src/train/adamw.hpp"
#include "src/train/carried.hpp"
#include "src/train/constraint.hpp"
#include "src/train/muon.hpp"
#include "src/train/sgd.hpp"

namespace taut::train {
namespace {

std::string label(const Group& group) {
  return group.members.front().path +
         (group.members.size() > 1 ? " (or a weight stepped together with it)" : "");
}

// Kernels know shapes; who reads the message wants the weight.
template <class Work>
void named(const Group& group, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    fail("{}: {}", label(group), error.what());
  }
}

// `factor` of the caps of matrices; tables keep theirs.
void hold(const Group& group, double factor) {
  if (std::isinf(group.cap)) return;
  named(group, [&] {
    if (group.layout == Layout::matrices) cap_matrices(group.value, factor * group.cap);
    if (group.layout == Layout::rows) cap_rows(group.value, group.cap);
  });
}

// Whether the group was projected; a lazy one is not while its carried bound holds the cap.
bool hold_after(Group& group, const ConstraintOptions& options, const Move& move, double factor,
                kernels::Workspace& workspace) {
  if (group.layout != Layout::matrices) {
    hold(group, factor);
    return true;
  }
  const double cap = factor * group.cap;
  const bool lazy = options.lazy && std::isfinite(cap);
  if (lazy) {
    group.bound = carried_bound(group.bound, group.value.sizes(), move);
    if (group.bound <= cap) return false;
  }
  named(group, [&] {
    constrain(group.value, cap, group.method, options.decay, move, &workspace, &group.block);
  });
  if (lazy) group.bound = certified_norm(group.value);
  return true;
}

// Whether a step leaves no certified division for later.
bool certifies(const Group& group, const Move& move) {
  if (group.layout != Layout::matrices || std::isinf(group.cap)) return true;
  return proves_now(group.method, group.value.device(), move);
}

// That of the optimizer, for all matrices, and that of a role.
double decay_of(const Group& group, const TrainOptions& options) {
  return (group.decays ? options.optimizer.weight_decay : 0) +
         (group.method == "weight_decay" ? options.constraint.decay : 0);
}

// Of a GPU that is not asked, which would wait for it: Unread (state.hpp) has its share of it.
void require_finite(const Group& group, const at::Tensor& gradient) {
  if (!gradient.is_cpu()) return;
  // The sum is finite only if every entry is; isfinite() would write a mask first.
  require(std::isfinite(gradient.sum(at::kDouble).item<double>()),
          "the gradient of {} is not finite", label(group));
}

}  // namespace

Optimizer make_optimizer(models::Network& network, const TrainOptions& options,
                         const team::Team& team) {
  at::NoGradGuard no_grad;
  Optimizer optimizer{
      make_groups(network, options.optimizer, options.constraint, team.size), 0, {}, team};
  const double factor = cap_factor(options.constraint, 0, options.steps);
  for (const Group& group : optimizer.groups) hold(group, factor);
  return optimizer;
}

Optimizer restore_optimizer(models::Network& network, const TrainOptions& options,
                            const NamedTensors& state, const team::Team& team) {
  at::NoGradGuard no_grad;
  Optimizer optimizer{
      make_groups(network, options.optimizer, options.constraint, team.size), 0, {}, team};
  restore_state(optimizer.groups, state);
  const auto steps = state.find("adam_step");
  require(steps != state.end() && steps->second.numel() == 1,
          "the checkpoint has no optimizer state 'adam_step'");
  optimizer.adam_steps = steps->second.item<int64_t>();
  require(optimizer.adam_steps >= 0, "expected 'adam_step' >= 0 in the checkpoint, got {}",
          optimizer.adam_steps);
  restore_carried(optimizer.groups, state, options.constraint.lazy);
  return optimizer;
}

NamedTensors optimizer_state(const Optimizer& optimizer) {
  NamedTensors state;
  save_state(optimizer.groups, state);
  save_carried(optimizer.groups, state);
  state["adam_step"] = at::full({}, optimizer.adam_steps, at::kLong);
  return state;
}

void hold_caps(Optimizer& optimizer, double factor) {
  at::NoGradGuard no_grad;
  for (Group& group : optimizer.groups) {
    if (group.held) continue;
    hold(group, factor);
    group.held = true;
  }
}

Projections step(Optimizer& optimizer, const std::vector<at::Tensor>& gradients, const Rates& rates,
                 const TrainOptions& options, const PartEnded& ended) {
  at::NoGradGuard no_grad;
  const OptimizerOptions& o = options.optimizer;
  const double rate = rates.lr;
  const bool adam_only = o.name == "adamw";
  MuonStep muon{o.lr * rate, 0, rates.momentum, o.nesterov, polar_of(o)};
  AdamStep adam{
      (adam_only ? o.lr : o.vector_lr) * rate, 0, o.beta1, o.beta2, o.eps, ++optimizer.adam_steps};
  Move move{o.lr * rate, o.weight_decay, kernels::worst_output(muon.polar)};
  if (o.name != "muon") move.update = std::numeric_limits<double>::infinity();
  move.from = rates.cap_before / rates.cap;
  // A lazy cap measures what it projects in any case, and may not come back to it for long.
  move.certify = rates.certify || options.constraint.lazy;
  SgdStep sgd{o.lr * rate, 0, rates.momentum, o.nesterov};
  size_t next = 0;
  Projections projections;
  std::vector<team::Pending> sent;  // values, while later groups are stepped
  for (Group& group : optimizer.groups) {
    group.held = certifies(group, move);
    if (group.owner != optimizer.team.rank) {
      next += group.members.size();
      sent.push_back(team::start_broadcast(optimizer.team, group.value, group.owner));
      continue;
    }
    const at::Tensor gradient = side_by_side(group, gradients, next, optimizer.workspace);
    require_finite(group, gradient);
    muon.weight_decay = adam.weight_decay = sgd.weight_decay = decay_of(group, options);
    switch (group.rule) {
      case Rule::muon:
        muon_step(group.value, group.momentum, gradient, muon, &optimizer.workspace);
        break;
      case Rule::rows:
        row_step(group.value, group.momentum, gradient, muon);
        break;
      case Rule::adam:
        adamw_step(group.value, group.momentum, group.second, gradient, adam);
        break;
      case Rule::sgd:
        sgd_step(group.value, group.momentum, gradient, sgd);
        break;
    }
    if (ended) ended(Part::optimizer);
    const bool projected =
        hold_after(group, options.constraint, move, rates.cap, optimizer.workspace);
    if (ended) ended(Part::caps);
    sent.push_back(team::start_broadcast(optimizer.team, group.value, group.owner));
    if (group.layout != Layout::matrices || std::isinf(group.cap)) continue;
    ++projections.asked;
    if (!projected) ++projections.skipped;
  }
  for (team::Pending& transfer : sent) transfer.wait();
  return projections;
}

}  // namespace taut::train
