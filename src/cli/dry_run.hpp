#pragma once

#include <string>

#include "src/train/train.hpp"

namespace taut::cli {

// What a run of these options would be: size, memory, arithmetic and time of a step, and K of the
// initialised network. Steps a network in memory and writes no file. The exit status.
int dry_run(const std::string& config, const train::TrainOptions& options, bool json);

}  // namespace taut::cli
