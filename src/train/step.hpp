#pragma once

#include "src/train/state.hpp"

namespace taut::train {

// Where the batches of a run come from.
data::Order order_of(const TrainOptions& options, const data::Dataset& dataset);

// One step: the next batch, its loss, gradients, update, constraint. Adds to the tally and to
// step_seconds. Throws Error when the loss or a gradient is not finite; the network may then be
// half stepped.
void advance(State& state, const data::Dataset& dataset, data::Order& order,
             const TrainOptions& options, const PartEnded& ended = {});

}  // namespace taut::train
