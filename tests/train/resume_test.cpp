#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/train/train.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

namespace {

// metrics.jsonl without what the clock says.
std::string timeless_metrics(const std::filesystem::path& folder) {
  std::ifstream in(folder / "metrics.jsonl");
  std::string all;
  for (std::string line; std::getline(in, line);) {
    auto json = nlohmann::json::parse(line);
    json.erase("seconds");
    json.erase("rows_per_second");
    all += json.dump() + "\n";
  }
  return all;
}

// Twenty steps at once, and the same from the checkpoint after ten: equal in every bit, and so are
// the metrics.
void check_resume(train::TrainOptions options, int64_t from = 10) {
  set_talkative(false);
  options.checkpoint_every = from;
  test::TempFolder folder;
  const std::filesystem::path whole = folder / "whole", halves = folder / "halves";
  io::create_run(whole, false);
  train::train(options, test::context_in(whole));
  std::filesystem::copy(whole, halves);
  const io::Checkpoint middle = io::load_checkpoint(whole / fmt::format("checkpoint-{}.h5", from));
  BOOST_TEST_REQUIRE(middle.step == from);
  const io::Checkpoint expected = io::load_run_checkpoint(whole, "last");
  BOOST_TEST(test::first_difference(middle, expected) != "");
  train::train(options, test::context_in(halves), &middle);
  const io::Checkpoint resumed = io::load_run_checkpoint(halves, "last");
  BOOST_TEST(resumed.step == 20);
  BOOST_TEST(resumed.cursor == expected.cursor);
  BOOST_TEST(test::first_difference(resumed, expected) == "");
  BOOST_TEST(timeless_metrics(halves) == timeless_metrics(whole));
  BOOST_TEST(resumed.numbers.at("best_accuracy") == expected.numbers.at("best_accuracy"));
}

void check_resume(const std::string& name) { check_resume(test::named_run(name)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(resume_test)

BOOST_AUTO_TEST_CASE(a_constrained_mlp_resumes_bit_for_bit) { check_resume("mlp"); }
BOOST_AUTO_TEST_CASE(a_constrained_vit_resumes_bit_for_bit) { check_resume("vit"); }
BOOST_AUTO_TEST_CASE(a_constrained_gpt_resumes_bit_for_bit) { check_resume("gpt"); }
BOOST_AUTO_TEST_CASE(augmented_and_attacked_batches_resume_bit_for_bit) {
  check_resume("everything");
}
// Norms are looked at every five steps, and followed from there.
BOOST_AUTO_TEST_CASE(a_certified_margin_resumes_between_two_looks_at_its_norms) {
  for (const char* model : {"mlp", "vit"}) {
    train::TrainOptions options = test::images_run(model);
    options.loss.certified_eps = 0.1;
    check_resume(options, 13);
  }
}
BOOST_AUTO_TEST_CASE(a_gpt_of_shifted_tokens_resumes_in_noise_bit_for_bit) {
  check_resume("noised_gpt");
}
BOOST_AUTO_TEST_CASE(steps_in_bf16_resume_bit_for_bit) {
  train::TrainOptions options = test::images_run("vit");
  options.precision = "bf16";
  check_resume(options);
}
BOOST_AUTO_TEST_CASE(an_adamw_vit_resumes_bit_for_bit) { check_resume("adamw_vit"); }
BOOST_AUTO_TEST_CASE(an_adamw_gpt_resumes_bit_for_bit) { check_resume("adamw_gpt"); }
BOOST_AUTO_TEST_CASE(lazy_caps_resume_bit_for_bit) { check_resume("lazy_vit"); }
BOOST_AUTO_TEST_CASE(singular_vectors_that_go_on_resume_bit_for_bit) { check_resume("hammer_vit"); }

BOOST_AUTO_TEST_CASE(an_sgd_vit_resumes_bit_for_bit) { check_resume("sgd_vit"); }

// Sums are split among threads, always the same way for the same number of them.
BOOST_AUTO_TEST_CASE(two_threads_resume_bit_for_bit) {
  at::set_num_threads(2);
  check_resume("vit");
  at::set_num_threads(1);
}

BOOST_AUTO_TEST_CASE(a_finished_run_has_nothing_to_resume) {
  set_talkative(false);
  test::TempFolder folder;
  const train::TrainOptions options = test::named_run("mlp");
  io::create_run(folder / "run", false);
  const train::TrainSummary first = train::train(options, test::context_in(folder / "run"));
  const io::Checkpoint last = io::load_run_checkpoint(folder / "run", "last");
  const train::TrainSummary again = train::train(options, test::context_in(folder / "run"), &last);
  BOOST_TEST(again.step == options.steps);
  BOOST_TEST(again.accuracy == first.accuracy);
  BOOST_TEST(!again.interrupted);
  BOOST_TEST(test::first_difference(last, io::load_run_checkpoint(folder / "run", "last")) == "");
}

// The cursor alone says which examples come next, however they are cut into batches.
BOOST_AUTO_TEST_CASE(the_order_does_not_depend_on_the_batch) {
  data::Order one(10, 5), two(10, 5);
  const at::Tensor whole = one.next(0, 36);
  for (int64_t from = 0; from < 36; from += 4) {
    BOOST_TEST(at::equal(two.next(from, 4), whole.narrow(0, from, 4)));
  }
}

BOOST_AUTO_TEST_SUITE_END()
