#pragma once

#include <functional>
#include <vector>

#include "kernels/workspace.hpp"
#include "src/team/team.hpp"
#include "src/train/groups.hpp"

namespace taut::train {

struct Optimizer {
  std::vector<Group> groups;
  int64_t adam_steps = 0;  // done; for the bias correction
  kernels::Workspace workspace;
  team::Team team{};
};

// Takes over the network's tensors (make_groups) and brings them within their caps.
Optimizer make_optimizer(models::Network& network, const TrainOptions& options,
                         const team::Team& team = {});

// Takes them over as they are, with the state of a checkpoint. Error when it does not fit.
Optimizer restore_optimizer(models::Network& network, const TrainOptions& options,
                            const NamedTensors& state, const team::Team& team = {});

// What groups hold and carry (groups.hpp, carried.hpp), and "adam_step" (int64 scalar).
NamedTensors optimizer_state(const Optimizer& optimizer);

// The certified divisions that are due, for `factor` of the caps.
void hold_caps(Optimizer& optimizer, double factor);

// What the schedules say of one step: factors of the learning rates and of the caps of matrices,
// before the step and after it, and the momentum of Muon and SGD. Without `certify` certified
// divisions that can wait (proves_now) do; they are due before the weights are shown to anyone.
struct Rates {
  double lr = 1, cap_before = 1, cap = 1, momentum = 0;
  bool certify = true;
};

// One step with `gradients` in the order of leaves(groups); then the constraint. On the CPU Error
// names the parameters whose gradient is not finite; nothing of their group has moved then. A rank
// steps the groups that it owns and gets the others from their owners. Returns how many groups of
// capped matrices it stepped and how many needed no projection.
struct Projections {
  int64_t asked = 0, skipped = 0;
};

// The parts of a step, in order; optimizer and caps take turns, group by group.
enum class Part { batch, forward, backward, optimizer, caps };
inline constexpr size_t kParts = 5;
// Called where a part ends: who wants to know what it took looks there. Empty in training.
using PartEnded = std::function<void(Part)>;

Projections step(Optimizer& optimizer, const std::vector<at::Tensor>& gradients, const Rates& rates,
                 const TrainOptions& options, const PartEnded& ended = {});

}  // namespace taut::train
