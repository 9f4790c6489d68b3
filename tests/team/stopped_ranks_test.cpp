#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "tests/team/mpirun.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

namespace {

std::vector<std::string> training(const std::filesystem::path& run, int steps) {
  return {TEAM_DRIVER, "train", "vit", run.string(), "2", std::to_string(steps)};
}

// Sends the signal to the second of two ranks once there is a checkpoint.
test::Outcome stop_second(const test::TempFolder& folder, int signal) {
  const std::filesystem::path run = folder / "run";
  const pid_t job = test::start_program(folder, test::mpirun(2, training(run, 100000)));
  for (int i = 0; i < 60000 && !std::filesystem::exists(run / "checkpoint.h5"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  BOOST_TEST_REQUIRE(std::filesystem::exists(run / "checkpoint.h5"));
  pid_t second = 0;
  std::ifstream(run.string() + ".pid") >> second;
  BOOST_TEST_REQUIRE(second > 1);
  kill(second, signal);
  return test::finish(folder, job);
}

void check_goes_on(const test::TempFolder& folder) {
  const int64_t step = io::load_run_checkpoint(folder / "run", "last").step;
  BOOST_TEST(step > 0);
  // Steps are part of the schedule: the same number of them, and a few more of this one.
  const std::filesystem::path run = folder / "run";
  const pid_t job = test::start_program(folder, test::mpirun(2, training(run, 100000)));
  for (int i = 0; i < 60000; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (i % 50 == 0 && io::load_run_checkpoint(run, "last").step > step) break;
  }
  kill(job, SIGTERM);
  test::finish(folder, job);
  BOOST_TEST(io::load_run_checkpoint(run, "last").step > step);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stopped_ranks_test)

BOOST_AUTO_TEST_CASE(a_killed_rank_ends_the_job_and_the_last_checkpoint_loads) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  const auto outcome = stop_second(folder, SIGKILL);
  BOOST_TEST(outcome.status != 0);
  BOOST_TEST(test::contains(outcome.err, "signal 9"), outcome.err);
  check_goes_on(folder);
}

// One rank is asked to stop: all do, after the same step, which is saved.
BOOST_AUTO_TEST_CASE(a_stopped_rank_stops_all_after_saving) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  const auto outcome = stop_second(folder, SIGTERM);
  BOOST_TEST(outcome.status == 0, outcome.err);
  int step = 0;
  BOOST_TEST(std::sscanf(outcome.out.c_str(), "step %d", &step) == 1, outcome.out);
  BOOST_TEST(io::load_run_checkpoint(folder / "run", "last").step == step);
}

BOOST_AUTO_TEST_SUITE_END()
