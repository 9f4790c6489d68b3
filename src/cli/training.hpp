#pragma once

#include <filesystem>
#include <string>

#include "src/train/train.hpp"

// What `taut train` does once it knows its options; `taut sweep` does the same for every point.
namespace taut::cli {

// Trains in `folder`, which holds no run unless `force`. `config` is the complete configuration
// behind `options`. Nothing is touched before data and network have been made once.
train::TrainSummary train_afresh(const std::filesystem::path& folder,
                                 const train::TrainOptions& options, const std::string& config,
                                 bool force);

// Goes on where the run stopped, with its own configuration.
train::TrainSummary train_on(const std::filesystem::path& run);

}  // namespace taut::cli
