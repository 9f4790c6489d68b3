#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "src/cli/open.hpp"

namespace taut::cli {

// `taut compare --frontier`: accuracy against the certified bound, one row a run.
struct FrontierOptions {
  bool wanted = false;
  std::string threat;                  // empty: the first that a run is certified against
  std::string relative_eps = "0.003";  // > 0, of the pixel range or the embedding's RMS
};
void add_frontier_options(CLI::App& command, FrontierOptions& options);

// Prints the table, or JSON, and writes the plot to `svg` unless that is empty. Runs without a
// certificate against the threat, or of other data than the first, are said and left out; Error
// when none remains. 0: done.
int run_frontier(const FrontierOptions& options, std::vector<OpenRun> runs, const std::string& svg,
                 bool json);

}  // namespace taut::cli
