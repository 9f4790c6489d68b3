#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/models.hpp"
#include "src/io/io.hpp"
#include "tests/team/mpirun.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

namespace {

std::vector<nlohmann::json> metrics_of(const std::filesystem::path& folder) {
  std::vector<nlohmann::json> lines;
  std::ifstream in(folder / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

// A named run, from its newest checkpoint where there is one.
void run_there(const test::TempFolder& folder, int ranks, const std::string& run,
               const std::string& name, int slices, int steps = 20) {
  const auto outcome =
      test::done(test::run_ranks(folder, ranks,
                                 {TEAM_DRIVER, "train", run, (folder / name).string(),
                                  std::to_string(slices), std::to_string(steps)}));
  BOOST_TEST(outcome.out == fmt::format("step {}\n", steps));
}

void check_same_bits(const test::TempFolder& folder, const char* a, const char* b) {
  const io::Checkpoint left = io::load_run_checkpoint(folder / a, "last");
  const io::Checkpoint right = io::load_run_checkpoint(folder / b, "last");
  BOOST_TEST(left.step == right.step);
  BOOST_TEST(left.cursor == right.cursor);
  BOOST_TEST(test::first_difference(left, right) == "");
}

// Losses and accuracies of the whole batch, line by line.
void check_same_curve(const test::TempFolder& folder, const char* a, const char* b,
                      double tolerance) {
  const auto left = metrics_of(folder / a), right = metrics_of(folder / b);
  BOOST_TEST_REQUIRE(left.size() == right.size());
  BOOST_TEST(left.size() >= 4u);
  for (size_t i = 0; i < left.size(); ++i) {
    for (const char* key : {"step", "loss", "accuracy", "validation_loss", "lr"}) {
      const double difference = left[i][key].get<double>() - right[i][key].get<double>();
      BOOST_TEST(std::abs(difference) <= tolerance, key << " of line " << i << ": " << difference);
    }
    BOOST_TEST(left[i].contains("projections_skipped") == right[i].contains("projections_skipped"));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(training_test)

// The same slices, computed by one rank or by several: draws, losses, steps, caps and what the
// optimizer carries have the same bits.
BOOST_AUTO_TEST_CASE(ranks_repeat_one_process_bit_for_bit) {
  if (test::no_mpirun()) return;
  for (const char* run : {"vit", "adamw_gpt", "everything", "hammer_vit", "sgd_vit"}) {
    test::TempFolder folder;
    BOOST_TEST_CONTEXT(run) {
      run_there(folder, 1, run, "one", 2);
      run_there(folder, 2, run, "two", 2);
      check_same_bits(folder, "one", "two");
      check_same_curve(folder, "one", "two", 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(four_ranks_repeat_two_and_one) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  run_there(folder, 1, "gpt", "one", 4);
  run_there(folder, 2, "gpt", "two", 4);
  run_there(folder, 4, "gpt", "four", 4);
  check_same_bits(folder, "one", "two");
  check_same_bits(folder, "one", "four");
}

// Without slices one process sums its batch in another order.
BOOST_AUTO_TEST_CASE(two_ranks_give_the_loss_curve_of_one) {
  if (test::no_mpirun()) return;
  for (const char* run :
       {"vit", "gpt", "adamw_vit", "sgd_vit", "margin_mlp", "lazy_vit", "everything"}) {
    test::TempFolder folder;
    BOOST_TEST_CONTEXT(run) {
      run_there(folder, 1, run, "one", 1);
      run_there(folder, 2, run, "two", 1);
      check_same_curve(folder, "one", "two", 1e-5);
    }
  }
}

// A batch of 16 among three.
BOOST_AUTO_TEST_CASE(unequal_shares_weigh_what_they_hold) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  run_there(folder, 1, "adamw_vit", "one", 1);
  run_there(folder, 3, "adamw_vit", "three", 1);
  check_same_curve(folder, "one", "three", 1e-5);
}

// What owners carry reaches the checkpoint, and others take it up.
BOOST_AUTO_TEST_CASE(runs_resume_with_another_number_of_ranks) {
  if (test::no_mpirun()) return;
  for (const char* run : {"vit", "hammer_vit", "adamw_vit"}) {
    test::TempFolder folder;
    BOOST_TEST_CONTEXT(run) {
      run_there(folder, 1, run, "whole", 2, 20);
      for (const auto& [first, then] : {std::pair{2, 1}, std::pair{1, 2}}) {
        std::filesystem::remove_all(folder / "halves");
        std::filesystem::create_directory(folder / "halves");
        run_there(folder, first, run, "begun", 2, 20);
        std::filesystem::copy(folder / "begun" / "checkpoint-10.h5",
                              folder / "halves" / "checkpoint.h5");
        BOOST_TEST(io::load_run_checkpoint(folder / "halves", "last").step == 10);
        run_there(folder, then, run, "halves", 2, 20);
        check_same_bits(folder, "whole", "halves");
        std::filesystem::remove_all(folder / "begun");
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
