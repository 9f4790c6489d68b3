#pragma once

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "src/team/team.hpp"
#include "tests/cli/program.hpp"

// Programs under Open MPI's mpirun.
namespace taut::test {

// Says so where processes cannot be started together.
inline bool no_mpirun() {
  std::string why = "no mpirun in PATH";
  std::istringstream folders(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::error_code absent;
    if (std::filesystem::exists(folder + "/mpirun", absent)) why.clear();
  }
  if (!contains(team::mpi_version(), "Open MPI")) why = "MPI: " + team::mpi_version();
  if (!why.empty()) skip(why);
  return !why.empty();
}

// More processes than cores are welcome.
inline std::vector<std::string> mpirun(int ranks, const std::vector<std::string>& command) {
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  std::vector<std::string> all = {"mpirun", "--oversubscribe", "-np", std::to_string(ranks)};
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

inline Outcome run_program(const TempFolder& folder, const std::vector<std::string>& command) {
  return finish(folder, start_program(folder, command));
}

// One process does without mpirun.
inline Outcome run_ranks(const TempFolder& folder, int ranks,
                         const std::vector<std::string>& command) {
  return run_program(folder, ranks == 1 ? command : mpirun(ranks, command));
}

inline int64_t count_of(const std::string& text, const std::string& part) {
  int64_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace taut::test
