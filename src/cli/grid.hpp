#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "src/train/options.hpp"

// A grid of training runs, as a file says it.
namespace taut::cli {

// Options of `taut train` by name, as the command line would spell their values.
using Settings = std::map<std::string, std::string>;

// One run: what it sets beyond the base, in full, and the folder in `out` that is its own.
struct Point {
  std::string name;
  Settings settings;
  train::TrainOptions options;
  std::string config;   // complete, as a run stores it
  Settings everything;  // the same by key, equal numbers spelled alike
};

//   base = "digits-mlp"              a preset or a .toml file
//   out = "runs/caps"                each point is a run in it, named by what it varies
//   set.steps = 300                  options of all points
//   [grid]                           every combination of these values
//   constraint.w_max = [0.5, 1, 2]
//   [[point]]                        and single runs; `name` says the folder
// Points of the grid are numbered in alphabetical order of the options, the last one moving
// fastest; single ones follow. Names do not hold the index, so a grid that grows finds its runs
// again. Paths are relative to the working folder.
struct Grid {
  std::filesystem::path out;
  std::vector<Point> points;
};

// Every point is checked as far as options alone can tell. Error names file, point and option.
Grid read_grid(const std::filesystem::path& path);

// The settings of a configuration text, comparable with Point::everything.
Settings settings_of(const std::string& config, const std::string& source);

}  // namespace taut::cli
