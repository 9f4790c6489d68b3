#include "src/team/launcher.hpp"

#include <cstdlib>

namespace taut::team {
namespace {

// -1 where there is none.
int number(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? -1 : std::atoi(text);
}

int first_of(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const int value = number(name); value >= 0) return value;
  }
  return -1;
}

}  // namespace

Launch launch() {
  const int size = first_of({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"});
  const int rank = first_of({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"});
  Launch found{size >= 0 || rank >= 0, size, rank};
  // A batch script has SLURM_NTASKS and SLURM_PROCID too; only srun sets the size of a step.
  if (found.size < 0) found.size = number("SLURM_STEP_NUM_TASKS");
  if (found.rank < 0) found.rank = number("SLURM_PROCID");
  if (found.size < 0) found.size = 0;
  if (found.rank < 0) found.rank = 0;
  return found;
}

}  // namespace taut::team
