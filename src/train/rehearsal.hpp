#pragma once

#include <array>

#include "src/train/state.hpp"

namespace taut::train {

// What a few steps took. The first is metered (meters.hpp) and warms up, the others are timed.
struct Rehearsal {
  int64_t steps = 0;                        // timed
  double seconds = 0;                       // of a step, their mean
  std::array<double, kParts> part_seconds;  // of its parts; the rest is bookkeeping
  std::array<double, kParts> part_flops;    // matrix products that LibTorch saw in the first step
  int64_t kept_bytes = 0;  // tensors that the forward pass left for the backward pass
  int64_t peak_bytes = 0;  // tensors of the first step at once, beyond those it found
};

// Steps `state` at least 3 times, or once where a step takes more than 20 s, and then for a second
// or until interrupted. Nothing is written. Errors as advance() has them.
Rehearsal rehearse(State& state, const data::Dataset& dataset, const TrainOptions& options);

}  // namespace taut::train
