#pragma once

#include <optional>
#include <string>

#include "src/cli/grid.hpp"
#include "src/report/table.hpp"

// What the folders of a grid hold.
namespace taut::cli {

enum class Progress { missing, unfinished, finished, foreign, damaged };

// The run of a point as it lies on disk.
struct Stored {
  Progress progress = Progress::missing;
  bool resumable = false;  // a checkpoint is there
  std::string why;         // foreign: what differs; damaged: what cannot be read
  int64_t step = 0;
  // Of the last evaluation: both are of one network.
  std::optional<double> accuracy, log10_bound;
  std::string norms;  // of the bound
};

const char* progress_name(Progress progress);

// A run of other options than the point's is foreign, one that cannot be read damaged: neither is
// ever trained over.
Stored stored_run(const Grid& grid, const Point& point);

// index, name, state, options beyond the base.
report::Table list_of(const Grid& grid, const std::vector<size_t>& chosen);

// index, name, state, accuracy, log10 K and its norms.
report::Table results_of(const Grid& grid, const std::vector<size_t>& chosen);

// The same of both as a JSON array.
std::string sweep_json(const Grid& grid, const std::vector<size_t>& chosen);

}  // namespace taut::cli
