#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <random>
#include <thread>

#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

extern char** environ;

namespace {

constexpr const char* kSteps = "60";

pid_t start(const std::filesystem::path& folder, const std::string& run) {
  std::string words[] = {TRAIN_DRIVER, folder.string(), run, kSteps};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  pid_t child = 0;
  BOOST_TEST_REQUIRE(posix_spawn(&child, TRAIN_DRIVER, nullptr, nullptr, argv, environ) == 0);
  return child;
}

// The exit status, or minus the signal that ended it.
int wait_for(pid_t child) {
  int status = 0;
  BOOST_TEST_REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

using Time = std::filesystem::file_time_type;

Time saved_at(const std::filesystem::path& folder) {
  std::error_code absent;
  return std::filesystem::last_write_time(folder / "checkpoint.h5", absent);
}

// Until there is a newer checkpoint than that of `before`, then a moment more.
void wait_for_checkpoint(const std::filesystem::path& folder, Time before, int milliseconds) {
  for (int i = 0; i < 30000 && saved_at(folder) == before; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

void check_same_end(const std::filesystem::path& a, const std::filesystem::path& b) {
  const io::Checkpoint left = io::load_run_checkpoint(a, "last");
  const io::Checkpoint right = io::load_run_checkpoint(b, "last");
  BOOST_TEST(left.step == right.step);
  BOOST_TEST(left.step == std::stoll(kSteps));
  BOOST_TEST(test::first_difference(left, right) == "");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stopped_test)

// A step that has begun is finished as if nobody had asked, its PGD included.
BOOST_AUTO_TEST_CASE(an_interrupted_run_saves_and_resumes_bit_for_bit) {
  for (const char* run : {"vit", "attacked_mlp"}) {
    test::TempFolder folder;
    const std::filesystem::path whole = folder / "whole", stopped = folder / "stopped";
    BOOST_TEST(wait_for(start(whole, run)) == 0);
    const pid_t child = start(stopped, run);
    wait_for_checkpoint(stopped, saved_at(stopped), 20);
    kill(child, SIGINT);
    BOOST_TEST_REQUIRE(wait_for(child) == kInterrupted);
    const io::Checkpoint saved = io::load_run_checkpoint(stopped, "last");
    BOOST_TEST(saved.step < std::stoll(kSteps));
    BOOST_TEST(saved.cursor == saved.step * 16);
    BOOST_TEST(wait_for(start(stopped, run)) == 0);
    check_same_end(whole, stopped);
  }
}

// Killed twice at moments that differ from run to run; what is on disk is always a whole
// checkpoint.
BOOST_AUTO_TEST_CASE(a_killed_run_resumes_bit_for_bit) {
  std::mt19937_64 random(test::seed() + std::random_device()());
  for (const char* run : {"gpt", "adamw_vit"}) {
    test::TempFolder folder;
    const std::filesystem::path whole = folder / "whole", killed = folder / "killed";
    BOOST_TEST(wait_for(start(whole, run)) == 0);
    for (int i = 0; i < 2; ++i) {
      const Time before = saved_at(killed);
      const pid_t child = start(killed, run);
      wait_for_checkpoint(killed, before, static_cast<int>(random() % 60));
      kill(child, SIGKILL);
      const int status = wait_for(child);
      BOOST_TEST((status == -SIGKILL || status == 0));
    }
    BOOST_TEST(wait_for(start(killed, run)) == 0);
    check_same_end(whole, killed);
  }
}

BOOST_AUTO_TEST_SUITE_END()
