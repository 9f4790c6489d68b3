#pragma once

#include "src/data/data.hpp"
#include "src/train/options.hpp"

namespace taut::train {

// Bytes that training cannot do without: weights, their gradients and one moment of them in fp32,
// a batch, and what the blocks read of one example. A lower bound to tell a slip of the pen
// by, before the kernel ends the process; no estimate of what is needed.
double least_bytes(const TrainOptions& options, const data::Dataset& dataset);

// Error when that is more than the memory of the machine.
void check_memory(const TrainOptions& options, const data::Dataset& dataset);

}  // namespace taut::train
