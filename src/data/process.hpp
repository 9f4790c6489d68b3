#pragma once

#include <string>
#include <vector>

namespace taut::data {

struct Outcome {
  int status = 0;      // exit status; 128 + the signal's number where one ended it
  std::string output;  // stdout and stderr, interleaved
};

// Runs a program, found on PATH, and waits for it; no shell, nothing on its stdin. Error: cannot
// start.
Outcome run_process(const std::vector<std::string>& arguments);

std::string last_line(const std::string& output);  // the last that is not blank

}  // namespace taut::data
