#include "src/team/launcher.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/team/mpirun.hpp"

using namespace taut;

namespace {

const char* const kNames[] = {"OMPI_COMM_WORLD_SIZE",
                              "OMPI_COMM_WORLD_RANK",
                              "PMI_SIZE",
                              "PMI_RANK",
                              "PMIX_RANK",
                              "SLURM_NTASKS",
                              "SLURM_PROCID",
                              "SLURM_STEP_NUM_TASKS"};

// Exactly these variables, until the end of the scope.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& set) {
    for (const char* name : kNames) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      unsetenv(name);
    }
    for (const auto& [name, value] : set) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const char* name : kNames) unsetenv(name);
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::map<std::string, std::string> before_;
};

void check_launch(const std::map<std::string, std::string>& set, bool started, int size, int rank) {
  const Environment environment(set);
  const team::Launch found = team::launch();
  BOOST_TEST(found.started == started);
  BOOST_TEST(found.size == size);
  BOOST_TEST(found.rank == rank);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(launcher_test)

BOOST_AUTO_TEST_CASE(each_launcher_is_understood) {
  check_launch({}, false, 0, 0);
  check_launch({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", "3"}}, true, 4, 3);
  check_launch({{"PMI_SIZE", "2"}, {"PMI_RANK", "1"}}, true, 2, 1);
  check_launch({{"PMIX_RANK", "1"}, {"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "1"}}, true, 8,
               1);
  check_launch({{"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "5"}}, false, 8, 5);
}

// Commands of a batch script are no ranks, whatever the job was given.
BOOST_AUTO_TEST_CASE(a_batch_script_is_one_process) {
  check_launch({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}}, false, 0, 0);
}

BOOST_AUTO_TEST_CASE(ranks_that_cannot_meet_are_told_once) {
  test::TempFolder folder;
  for (const char* rank : {"0", "1"}) {
    const Environment environment({{"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_PROCID", rank}});
    const test::Outcome outcome = test::invoke(folder, {"data", "list"});
    BOOST_TEST(outcome.status == 2);
    BOOST_TEST(outcome.out.empty());
    if (*rank == '0') test::refused(outcome, "srun --mpi=pmix");
    if (*rank == '1') BOOST_TEST(outcome.err.empty(), outcome.err);
  }
}

BOOST_AUTO_TEST_CASE(without_mpi_there_is_one_process) {
  if (team::mpi_version() != "not in this build") return test::skip("this build has MPI");
  test::TempFolder folder;
  const Environment environment({{"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_RANK", "0"}});
  test::refused(test::invoke(folder, {"data", "list"}), "built without MPI");
}

BOOST_AUTO_TEST_SUITE_END()
