#pragma once

#include <c10/util/ArrayRef.h>

#include <vector>

namespace taut::train {

// For each cost the owner, in [0, owners), that it goes to: the largest first, each to the owner
// who has least so far. No owner gets more than 4/3 of what the best division gives its fullest
// one. [Graham 1969]
std::vector<int> divide(const std::vector<double>& costs, int owners);

// What a step of `entries` numbers costs, in passes over one of them: matrices (..., m, n) take
// products with their short side, the rest goes by a few times.
double step_cost(int64_t entries, c10::IntArrayRef matrix, bool orthogonalized);

}  // namespace taut::train
