#pragma once

#include "src/train/state.hpp"

namespace taut::train {

// Where the batches of a run come from.
data::Order order_of(const TrainOptions& options, const data::Dataset& dataset);

// Whether something that is done every so many steps, and at the end, is due after `step` of them.
bool due(int64_t step, int64_t every, const TrainOptions& options);

// One step: the next batch, its loss, gradients, update, constraint. Adds to the tally and to
// step_seconds. Throws Error when the loss or a gradient is not finite, on a GPU some steps later
// (state.read_every) and where something is due at the latest; the network may then be half
// stepped. Soft caps get their certified division where an evaluation or a checkpoint is due;
// between, they err by rounding (optimizer.hpp).
void advance(State& state, const data::Dataset& dataset, data::Order& order,
             const TrainOptions& options, const PartEnded& ended = {});

// Brings the tally up to date, with the sums of all ranks. Error as above.
void read_losses(State& state);

}  // namespace taut::train
