#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "attacks/attack.hpp"
#include "models/foreign/foreign.hpp"
#include "src/train/options.hpp"

// The binding of option structs to the command line, one function per struct.
namespace taut::cli {

void add_train_options(CLI::App& command, train::TrainOptions& options);
void add_attack_options(CLI::App& command, attacks::AttackOptions& options, std::string& loss);

// Which rows of which data a verb works on.
struct RowOptions {
  std::string checkpoint = "best";   // best | last
  std::string data;                  // empty: the data set of the run
  std::string tokenizer;             // of that text; empty: as the run was trained
  int64_t examples = 0;              // validation examples; 0: all
  int64_t positions = 0;             // positions per sequence, evenly spread; 0: all
  std::vector<std::string> threats;  // empty: chosen by the verb
  std::vector<std::string> eps;      // sizes, fractions allowed; empty: chosen from the threat
  bool relative = false;             // eps in units of the embedding RMS times sqrt(width)
};
void add_row_options(CLI::App& command, RowOptions& options);

// How to read a file of weights that does not say itself what network it holds, and where results
// go.
struct WeightsOptions {
  std::string
      model;  // an architecture, or a .toml file; empty: said by the file or earlier results
  models::ForeignOptions foreign;
  std::string out;  // folder of the results; empty: NAME.taut beside NAME.safetensors
};
// Part of the call, since they are about the weights and not about what is done to them.
void add_weights_options(CLI::App& command, WeightsOptions& options);
void add_results_folder(CLI::App& command, WeightsOptions& options);

// --json: the summary as one JSON object on stdout instead of a table.
void add_json(CLI::App& command, bool& json);

}  // namespace taut::cli
