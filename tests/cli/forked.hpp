#pragma once

#include "tests/cli/program.hpp"

// The same program without the half second that loading LibTorch takes: its code in a copy of the
// test's own process. spine_test starts the file that users start.
namespace taut::test {

pid_t start_call(const TempFolder& folder, std::vector<std::string> arguments);

inline Outcome call(const TempFolder& folder, const std::vector<std::string>& arguments) {
  return finish(folder, start_call(folder, arguments));
}

}  // namespace taut::test
