#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "tests/team/mpirun.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

namespace {

// What mpirun itself adds to stderr is not ours.
void check_told_once(const test::Outcome& outcome, const std::string& line) {
  BOOST_TEST(outcome.status == 2, outcome.err);
  BOOST_TEST(test::count_of(outcome.err, line) == 1, outcome.err);
  BOOST_TEST(outcome.out.empty(), outcome.out);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(end_test)

// The others wait for it in a transfer that will never come.
BOOST_AUTO_TEST_CASE(a_rank_that_fails_alone_ends_the_job) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  for (const char* lost : {"0", "1", "2"}) {
    const Stopwatch watch;
    check_told_once(test::run_ranks(folder, 3, {TEAM_DRIVER, "fail", lost}),
                    std::string("lost ") + lost);
    BOOST_TEST(watch.seconds() < 60);
  }
}

BOOST_AUTO_TEST_CASE(of_several_that_fail_one_speaks) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  const auto all = test::run_ranks(folder, 2, {TEAM_DRIVER, "fail", "0", "1"});
  check_told_once(all, "lost 0");
  BOOST_TEST(!test::contains(all.err, "lost 1"));
  const auto some = test::run_ranks(folder, 3, {TEAM_DRIVER, "fail", "1", "2"});
  check_told_once(some, "lost 1");
  BOOST_TEST(!test::contains(some.err, "lost 2"));
}

BOOST_AUTO_TEST_CASE(bad_input_is_told_once) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  const auto told = [&](const std::vector<std::string>& arguments, const std::string& line) {
    std::vector<std::string> command = {TAUT_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    check_told_once(test::run_ranks(folder, 2, command), "taut: " + line);
  };
  told({"trian"}, "unknown verb 'trian'");
  told({"train", "nothing"}, "unknown preset 'nothing'");
  told({"train", "digits-vit", "--steps", "many"}, "--steps: ");
  told({"certify", (folder / "nowhere").string()}, (folder / "nowhere").string() + " is not");
  told({"inspect", (folder / "nowhere").string()}, (folder / "nowhere").string() + " is not");
}

// Before the run that --force would replace is touched.
BOOST_AUTO_TEST_CASE(what_ranks_cannot_share_loses_nothing) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  const std::string run = (folder / "run").string();
  const auto train = [&](int ranks, const std::vector<std::string>& more) {
    std::vector<std::string> command = test::tiny_train("digits-vit", "synthetic", run);
    command.insert(command.begin(), TAUT_PROGRAM);
    command.insert(command.end(), more.begin(), more.end());
    return test::run_ranks(folder, ranks, command);
  };
  test::done(train(1, {}));
  const std::string before = test::slurp(folder / "run" / "checkpoint.h5");
  check_told_once(train(2, {"--force", "--batch", "1"}),
                  "batch: expected an example for each of 2");
  check_told_once(train(2, {}), "holds a run already");
  if (!at::globalContext().hasCUDA())
    check_told_once(train(2, {"--force", "--device", "cuda"}), "device cuda: no GPU");
  BOOST_TEST(test::slurp(folder / "run" / "checkpoint.h5") == before);
}

// With as many threads in each, and nothing said of slices.
BOOST_AUTO_TEST_CASE(two_processes_are_one_process_bit_for_bit) {
  if (test::no_mpirun()) return;
  setenv("OMP_NUM_THREADS", "1", 1);
  for (const std::string preset :
       {"digits-vit", "digits-vit-baseline", "cifar-mlp-robust", "shakespeare-gpt-2m"}) {
    test::TempFolder folder;
    const char* data = preset.starts_with("shakespeare") ? "synthetic_text" : "synthetic";
    for (const int ranks : {1, 2}) {
      std::vector<std::string> command =
          test::tiny_train(preset, data, (folder / std::to_string(ranks)).string());
      command.insert(command.begin(), TAUT_PROGRAM);
      test::done(test::run_ranks(folder, ranks, command));
    }
    const io::Checkpoint one = io::load_run_checkpoint(folder / "1", "last");
    const io::Checkpoint two = io::load_run_checkpoint(folder / "2", "last");
    BOOST_TEST(one.step > 0);
    BOOST_TEST(test::first_difference(one, two) == "", preset);
  }
}

BOOST_AUTO_TEST_CASE(a_sweep_is_for_one_process) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  std::ofstream(folder / "g.toml")
      << "base = \"digits-mlp\"\nout = \"" << (folder / "r").string() << "\"\n[grid]\nseed = [1]\n";
  check_told_once(test::run_ranks(folder, 2, {TAUT_PROGRAM, "sweep", (folder / "g.toml").string()}),
                  "sweep trains its points in one process");
  BOOST_TEST(!std::filesystem::exists(folder / "r"));
}

BOOST_AUTO_TEST_CASE(only_the_first_rank_prints) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  const auto version = test::done(test::run_ranks(folder, 2, {TAUT_PROGRAM, "--version"}));
  BOOST_TEST(test::count_of(version.out, "ranks ") == 1, version.out);
  BOOST_TEST(version.err.empty(), version.err);
  const auto help = test::done(test::run_ranks(folder, 2, {TAUT_PROGRAM, "--help"}));
  BOOST_TEST(help.out == test::invoke(folder, {"--help"}).out);
  BOOST_TEST(help.err.empty(), help.err);
}

BOOST_AUTO_TEST_SUITE_END()
