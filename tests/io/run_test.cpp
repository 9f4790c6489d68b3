#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/io/sample.hpp"
#include "tests/io/tamper.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;

namespace {

io::Checkpoint at_step(int64_t step) {
  io::Checkpoint c = sample_checkpoint(sample_text());
  c.step = step;
  return c;
}

std::set<std::string> listing(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

using Names = std::set<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(run_test)

BOOST_AUTO_TEST_CASE(the_last_k_checkpoints_stay) {
  const TempFolder folder;
  for (const int64_t step : {5, 10, 100, 20}) {
    io::save_run_checkpoint(folder.path(), at_step(step), 2, step == 10);
  }
  // 100 is of a run that went further than the one that saved 20: not older, so not removed.
  BOOST_TEST(
      (listing(folder.path()) == Names{"checkpoint.h5", "checkpoint-best.h5", "checkpoint-10.h5",
                                       "checkpoint-20.h5", "checkpoint-100.h5"}));
  BOOST_TEST(same(at_step(20), io::load_run_checkpoint(folder.path(), "last")));
  BOOST_TEST(same(at_step(10), io::load_run_checkpoint(folder.path(), "best")));
  BOOST_TEST(same(at_step(20), io::load_checkpoint(folder / "checkpoint-20.h5")));
  io::save_run_checkpoint(folder.path(), at_step(200), 1, true);
  BOOST_TEST((listing(folder.path()) ==
              Names{"checkpoint.h5", "checkpoint-best.h5", "checkpoint-200.h5"}));
  BOOST_TEST(same(at_step(200), io::load_run_checkpoint(folder.path(), "best")));
  BOOST_CHECK_THROW(io::save_run_checkpoint(folder.path(), at_step(201), 0, true), Error);
}

BOOST_AUTO_TEST_CASE(a_step_can_be_saved_again) {
  const TempFolder folder;
  for (int i = 0; i < 3; ++i) io::save_run_checkpoint(folder.path(), at_step(7), 3, true);
  BOOST_TEST(
      (listing(folder.path()) == Names{"checkpoint.h5", "checkpoint-best.h5", "checkpoint-7.h5"}));
}

BOOST_AUTO_TEST_CASE(strangers_names_are_left_alone) {
  const TempFolder folder;
  const Names strangers = {"checkpoint-07.h5", "checkpoint--1.h5", "checkpoint-x.h5",
                           "checkpoint-1.h5x", "xcheckpoint-1.h5", "notes.txt",
                           ".hidden",          ".notes.draft-abc"};
  for (const std::string& name : strangers) put(folder / name, "mine");
  std::filesystem::create_directory(folder / "checkpoint-3");
  for (int64_t step = 1; step < 5; ++step) {
    io::save_run_checkpoint(folder.path(), at_step(step), 1, true);
  }
  io::append_metrics(folder.path(), "{\"step\": 1}");
  put(folder / "run.json", "{}");
  put(folder / "certificate.h5", "old");
  put(folder / "attack.h5", "old");
  io::create_run(folder.path(), true);
  Names expected = strangers;
  expected.insert("checkpoint-3");
  BOOST_TEST((listing(folder.path()) == expected));
}

BOOST_AUTO_TEST_CASE(an_old_run_is_refused_without_force) {
  for (const char* name : {"run.json", "metrics.jsonl", "checkpoint.h5", "checkpoint-best.h5",
                           "checkpoint-12.h5", "certificate.h5", "attack.h5"}) {
    const TempFolder folder;
    put(folder / name, "old");
    const std::string text = error_of([&] { io::create_run(folder.path(), false); });
    BOOST_TEST(contains(text, name), text);
    BOOST_TEST(contains(text, "holds a run already"), text);
    BOOST_TEST(io::read_text(folder / name) == "old");
    io::create_run(folder.path(), true);
    BOOST_TEST(entries(folder.path()) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_run_is_made_with_its_parents) {
  const TempFolder folder;
  io::create_run(folder / "a/b/c", false);
  BOOST_TEST(std::filesystem::is_directory(folder / "a/b/c"));
  io::create_run(folder / "a/b/c", false);  // still empty
  put(folder / "file", "text");
  BOOST_CHECK_THROW(io::create_run(folder / "file", false), Error);
  BOOST_CHECK_THROW(io::create_run(folder / "file/run", true), Error);
  BOOST_TEST(io::read_text(folder / "file") == "text");
}

BOOST_AUTO_TEST_CASE(what_is_no_run_is_named) {
  const TempFolder folder;
  put(folder / "file", "text");
  const auto text = [&](const char* name) {
    return error_of([&] { io::require_run(folder / name); });
  };
  BOOST_TEST(contains(text("none"), "is not a folder"));
  BOOST_TEST(contains(text("file"), "is not a folder"));
  BOOST_TEST(contains(text(""), "holds no checkpoint.h5"));
  io::save_run_checkpoint(folder.path(), at_step(1), 1, false);
  io::require_run(folder.path());
  const std::string best = error_of([&] { io::load_run_checkpoint(folder.path(), "best"); });
  BOOST_TEST(contains(best, "holds no checkpoint-best.h5"), best);
  const std::string which = error_of([&] { io::load_run_checkpoint(folder.path(), "first"); });
  BOOST_TEST(contains(which, "unknown checkpoint 'first'"), which);
}

BOOST_AUTO_TEST_CASE(drafts_of_dead_processes_are_removed) {
  const TempFolder folder;
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  const std::string dead = fmt::format(".checkpoint-1.h5.draft-{}", child);
  const std::string ours = fmt::format(".run.json.draft-{}", getpid());
  const std::string alive = fmt::format(".attack.h5.draft-{}", getppid());
  for (const std::string& name : {dead, ours, alive}) put(folder / name, "half");
  io::save_run_checkpoint(folder.path(), at_step(1), 1, false);
  BOOST_TEST((listing(folder.path()) == Names{"checkpoint.h5", "checkpoint-1.h5", alive}));
}

BOOST_AUTO_TEST_CASE(a_killed_run_loads_at_every_moment) {
  const TempFolder folder;
  std::mt19937_64 random(seed());
  io::save_run_checkpoint(folder.path(), at_step(0), 2, true);
  int64_t last = 0;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (int64_t step = last + 1;; ++step) {
        io::save_run_checkpoint(folder.path(), at_step(step), 2, step % 2 == 0);
      }
    }
    usleep(static_cast<useconds_t>(random() % 30000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const int64_t step = io::load_run_checkpoint(folder.path(), "last").step;
    BOOST_TEST(step >= last);
    // The best may be one ahead of the last, never more than the last even step behind.
    const int64_t best = io::load_run_checkpoint(folder.path(), "best").step;
    BOOST_TEST((best == step - step % 2 || best == step + 1), best);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      if (entry.path().extension() == ".h5") io::load_checkpoint(entry.path());
    }
    last = step;
  }
  fmt::print("{} steps saved\n", last);
  io::save_run_checkpoint(folder.path(), at_step(last + 1), 1, true);
  BOOST_TEST(entries(folder.path()) == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
