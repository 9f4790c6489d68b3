#pragma once

#include <CLI/CLI.hpp>

#include <set>
#include <span>
#include <string>

#include "src/train/options.hpp"

// Options of `taut train` that say nothing of the run at hand: what would change nothing would be
// believed to have changed something.
namespace taut::cli {

// An option and when nothing reads it; `why` ends the sentence "--OPTION: ...". Where it is not
// certain that nothing does, there is no rule.
struct Unused {
  const char* option;
  bool (*when)(const train::TrainOptions&);
  const char* why;
};
std::span<const Unused> unused_rules();

// Names of the options on the command line. To be asked before a configuration is applied: one that
// is complete has every key, read or not.
std::set<std::string> given_options(const CLI::App& command);

// Error for the first of `given` that nothing reads.
void refuse_unused(const std::set<std::string>& given, const train::TrainOptions& options);

}  // namespace taut::cli
