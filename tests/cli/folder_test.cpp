// What happens to a run's folder when a training cannot have it, or comes to nothing.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "src/io/folder_lock.hpp"
#include "tests/cli/forked.hpp"

using namespace taut::test;

BOOST_AUTO_TEST_SUITE(folder_test)

BOOST_AUTO_TEST_CASE(one_process_at_a_time_trains_in_a_folder) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  const auto command = tiny_train("digits-mlp", "synthetic", run);
  {
    const taut::io::FolderLock lock(folder / "run");
    refused(call(folder, command), "another process works in");
  }
  done(call(folder, command));
  const std::string before = slurp(folder / "run" / "checkpoint.h5");
  const taut::io::FolderLock lock(folder / "run");
  refused(call(folder, with(command, {"--force"})), "another process works in");
  refused(call(folder, {"train", "--resume", run}), "another process works in");
  BOOST_TEST(slurp(folder / "run" / "checkpoint.h5") == before);
}

// The old run goes when there is something to put in its place.
BOOST_AUTO_TEST_CASE(a_training_that_comes_to_nothing_leaves_the_old_run) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  const auto command = tiny_train("digits-mlp", "synthetic", run);
  done(call(folder, command));
  const char* names[] = {"run.json", "checkpoint.h5", "metrics.jsonl"};
  std::vector<std::string> before;
  for (const char* name : names) before.push_back(slurp(folder / "run" / name));
  const auto broken = with(command, {"--loss.temperature", "1e-40"});
  refused(call(folder, with(broken, {"--force"})), "step 1: ");
  for (size_t i = 0; i < before.size(); ++i) {
    BOOST_TEST((slurp(folder / "run" / names[i]) == before[i]));
  }
  done(call(folder, with(command, {"--force", "--seed", "5"})));
  BOOST_TEST((slurp(folder / "run" / "checkpoint.h5") != before[1]));
  auto elsewhere = broken;
  for (std::string& word : elsewhere) {
    if (word == run) word = (folder / "new").string();
  }
  refused(call(folder, elsewhere), "step 1: ");
  BOOST_TEST(!std::filesystem::exists(folder / "new" / "run.json"));
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_with_its_own_data_alone) {
  const TempFolder folder;
  const std::filesystem::path first = folder / "a" / "t.txt";
  std::filesystem::create_directories(folder / "a");
  std::string text;
  for (int i = 0; i < 400; ++i) text += "the quick brown fox " + std::to_string(i * i % 97) + "\n";
  std::ofstream(first) << text;
  const std::string run = (folder / "run").string();
  const auto command =
      with({"train", "shakespeare-gpt", "--data.name", "text:" + first.string(), "--out", run},
           {"--model.width", "16", "--model.heads", "2", "--model.blocks", "1", "--steps", "4",
            "--batch", "4", "--data.context", "16"});
  done(call(folder, command));
  done(call(folder, {"train", "--resume", run}));
  const std::string before = slurp(folder / "run" / "checkpoint.h5");
  std::reverse(text.begin(), text.end());
  std::ofstream(first) << text;
  refused(call(folder, {"train", "--resume", run}), "the run was trained on other data");
  BOOST_TEST(slurp(folder / "run" / "checkpoint.h5") == before);
}

BOOST_AUTO_TEST_CASE(what_was_not_evaluated_has_no_figures) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  const pid_t child =
      start_call(folder, {"train", "digits-mlp", "--data.name", "synthetic", "--out", run,
                          "--batch", "16", "--model.width", "16", "--steps", "100000",
                          "--evaluate_every", "100000", "--checkpoint_every", "10", "--json"});
  while (!std::filesystem::exists(folder / "run" / "checkpoint.h5")) usleep(5000);
  kill(child, SIGINT);
  const Outcome stopped = finish(folder, child);
  BOOST_TEST(stopped.status == 130, stopped.err);
  const auto summary = nlohmann::json::parse(stopped.out);
  for (const char* key : {"evaluated_step", "accuracy", "validation_loss", "log10_bound"}) {
    BOOST_TEST(summary.at(key).is_null(), key);
  }
  BOOST_TEST(summary.at("step") > 0);
}

BOOST_AUTO_TEST_SUITE_END()
