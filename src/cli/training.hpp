#pragma once

#include <filesystem>
#include <string>

#include "src/train/train.hpp"

// What `taut train` does once it knows its options; `taut sweep` does the same for every point.
namespace taut::cli {

// Whether the folder's lock is taken here, or held by the caller.
enum class Locked { here, by_caller };

// Trains in `folder`, which holds no run unless `force`. `config` is the complete configuration
// behind `options`. What was there before goes when the new run has something to write in its
// place. Error when another process trains there.
train::TrainSummary train_afresh(const std::filesystem::path& folder,
                                 const train::TrainOptions& options, const std::string& config,
                                 bool force, Locked locked = Locked::here);

// Goes on where the run stopped, with its own configuration.
train::TrainSummary train_on(const std::filesystem::path& run, Locked locked = Locked::here);

}  // namespace taut::cli
