#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace taut::train {

const std::vector<std::string>& schedule_names();

// What the learning rate is multiplied by in step `step` of 0 .. steps - 1. With W = floor(warmup *
// steps) it rises as (step + 1) / (W + 1) and is 1 at step W; from there it stays 1, or falls on a
// line or half a cosine that would reach 0 at `steps`, so that the last step still moves. Error on
// an unknown name.
double rate_multiplier(const std::string& name, int64_t step, int64_t steps, double warmup);

// Momentum in step `step`: from `start` on a line to `momentum` over the first `share` of the
// steps. [Jordan 2024: .85 to .95]
double momentum_at(double start, double momentum, double share, int64_t step, int64_t steps);

// Share of the loss margin in step `step`: 0 at the start, 1 after a third of the steps. A margin
// that is there from the start pins the loss at log(classes): no rival can be beaten by it yet.
double margin_share(int64_t step, int64_t steps);

}  // namespace taut::train
