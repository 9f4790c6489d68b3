#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "attacks/attack.hpp"
#include "src/cli/open.hpp"
#include "src/cli/options.hpp"
#include "src/data/data.hpp"
#include "src/io/io.hpp"

namespace taut::cli {

// Validation examples of the run's data set, or of --data, or all in a file of examples; Error when
// they do not fit the network.
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

// Says so when there are fewer batches than ranks that could take one.
void say_idle(int64_t things, int64_t batch);

// Provenance of a result: the program's, and checkpoint, data, config of the run.
std::map<std::string, std::string> result_provenance(const OpenRun& run, const Examples& examples);

}  // namespace taut::cli
