#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "attacks/attack.hpp"
#include "src/cli/options.hpp"
#include "src/data/data.hpp"
#include "src/io/io.hpp"
#include "src/train/train.hpp"

namespace taut::cli {

// A run opened for certify, attack, compare or inspect.
struct OpenRun {
  std::filesystem::path folder;
  io::Checkpoint checkpoint;
  train::TrainOptions options;  // of its training
};
OpenRun open_run(const std::filesystem::path& folder, const std::string& which);

// The training options in a configuration text.
train::TrainOptions train_options(const std::string& config, const std::string& source);

// Validation examples of the run's data set, or of --data; Error when they do not fit the network.
struct Examples {
  std::string data, source;
  at::Tensor input;  // (examples, ...)
  at::Tensor label;  // (examples, rows)
};
Examples validation_examples(const OpenRun& run, const RowOptions& rows);

// One row per (example, position) for attacks.
attacks::Rows attack_rows(const Examples& examples, int64_t positions);

// The threats a verb works on; without --threat every one in `usual` that the network has.
std::vector<models::Threat> chosen_threats(const OpenRun& run, const RowOptions& rows);

// --eps, or sizes that fit the space; in the threat's norm.
std::vector<double> chosen_eps(const OpenRun& run, const RowOptions& rows,
                               const models::Threat& threat);

// Provenance of a result: the program's, and checkpoint, data, config of the run.
std::map<std::string, std::string> result_provenance(const OpenRun& run, const RowOptions& rows,
                                                     const Examples& examples);

}  // namespace taut::cli
