#pragma once

#include <vector>

#include "src/train/groups.hpp"

namespace taut::train {

struct Optimizer {
  std::vector<Group> groups;
  int64_t adam_steps = 0;  // done; for the bias correction
};

// Takes over the network's tensors (make_groups) and brings them within their caps.
Optimizer make_optimizer(models::Network& network, const TrainOptions& options);

// Takes them over as they are, with the state of a checkpoint. Error when it does not fit.
Optimizer restore_optimizer(models::Network& network, const TrainOptions& options,
                            const NamedTensors& state);

NamedTensors optimizer_state(const Optimizer& optimizer);  // adds "adam_step" (int64 scalar)

// One step with `gradients` in the order of leaves(groups), all rates times `rate`; then the
// constraint. Error names the parameters whose gradient is not finite; nothing of their group has
// moved then.
void step(Optimizer& optimizer, const std::vector<at::Tensor>& gradients, double rate,
          const TrainOptions& options);

}  // namespace taut::train
