#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "attacks/attack.hpp"
#include "src/train/options.hpp"

// The binding of option structs to the command line, one function per struct.
namespace taut::cli {

void add_train_options(CLI::App& command, train::TrainOptions& options);
void add_attack_options(CLI::App& command, attacks::AttackOptions& options, std::string& loss);

// Which rows of which data a verb works on.
struct RowOptions {
  std::string checkpoint = "best";   // best | last
  std::string data;                  // empty: the data set of the run
  int64_t examples = 0;              // validation examples; 0: all
  int64_t positions = 0;             // positions per sequence, evenly spread; 0: all
  std::vector<std::string> threats;  // empty: chosen by the verb
  std::vector<std::string> eps;      // sizes, fractions allowed; empty: chosen from the threat
  bool relative = false;             // eps in units of the embedding RMS times sqrt(width)
};
void add_row_options(CLI::App& command, RowOptions& options);

// --json: the summary as one JSON object on stdout instead of a table.
void add_json(CLI::App& command, bool& json);

}  // namespace taut::cli
