#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "certify/certify.hpp"
#include "kernels/kernels.hpp"
#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/train/step.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

namespace {

train::TrainSummary train_in(const std::filesystem::path& folder,
                             const train::TrainOptions& options, train::TrainContext context = {}) {
  set_talkative(false);
  io::create_run(folder, /*force=*/false);
  context.folder = folder;
  return train::train(options, context);
}

std::vector<nlohmann::json> metrics_of(const std::filesystem::path& folder) {
  std::ifstream in(folder / "metrics.jsonl");
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

// The losses of all steps, to four digits, on the first example alone and with weights that stay.
std::set<double> losses_at_rest(const train::TrainOptions& like) {
  train::TrainOptions o = test::adamw_run(like);
  o.batch = 1;
  o.optimizer.lr = 1e-30;
  data::Dataset one = data::open_dataset(o.data);
  const bool images = data::one_label_each(one);
  one.train.values = one.train.values.narrow(0, 0, images ? 1 : o.data.context + 1);
  if (images) one.train.labels = one.train.labels.narrow(0, 0, 1);
  train::State state = train::fresh_state(o, one);
  data::Order order = train::order_of(o, one);
  std::set<double> losses;
  for (double before = 0; state.step < o.steps; before = state.tally.loss) {
    train::advance(state, one, order, o);
    losses.insert(std::round((state.tally.loss - before) * 1e4));
  }
  return losses;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(learning_test)

BOOST_AUTO_TEST_CASE(a_constrained_mlp_learns_images) {
  test::TempFolder folder;
  train::TrainOptions o = test::images_run("mlp");
  o.steps = 100;
  o.evaluate_examples = 120;
  BOOST_TEST(train_in(folder / "run", o).accuracy > 0.9);
}

BOOST_AUTO_TEST_CASE(a_constrained_vit_learns_images) {
  test::TempFolder folder;
  train::TrainOptions o = test::images_run("vit");
  o.steps = 100;
  o.evaluate_examples = 120;
  BOOST_TEST(train_in(folder / "run", o).accuracy > 0.9);
}

BOOST_AUTO_TEST_CASE(an_adamw_baseline_learns_images) {
  test::TempFolder folder;
  train::TrainOptions o = test::named_run("adamw_vit");
  o.steps = 100;
  o.evaluate_examples = 120;
  BOOST_TEST(train_in(folder / "run", o).accuracy > 0.9);
}

// Better than always naming the most frequent symbol, by a margin that only context explains.
BOOST_AUTO_TEST_CASE(a_constrained_gpt_reads_context) {
  test::TempFolder folder;
  train::TrainOptions o = test::text_run();
  o.steps = 100;
  const data::Dataset dataset = data::open_dataset(o.data);
  const at::Tensor counts = dataset.validation.values.bincount();
  const double unigram =
      counts.max().item<double>() / static_cast<double>(dataset.validation.values.numel());
  const train::TrainSummary summary = train_in(folder / "run", o);
  BOOST_TEST_MESSAGE("unigram " << unigram << ", gpt " << summary.accuracy);
  BOOST_TEST(summary.accuracy > unigram + 0.2);
}

BOOST_AUTO_TEST_CASE(a_margin_grows_without_collapse) {
  test::TempFolder folder;
  train::TrainOptions o = test::images_run("mlp");
  o.steps = 100;
  o.loss.margin = 2;
  o.evaluate_examples = 120;
  BOOST_TEST(train_in(folder / "run", o).accuracy > 0.9);
}

BOOST_AUTO_TEST_CASE(metrics_and_checkpoints_tell_the_run) {
  test::TempFolder folder;
  train::TrainOptions o = test::images_run("mlp");
  o.steps = 12;  // evaluated at 5, 10 and the end; saved at 10 and the end
  train::TrainContext context;
  context.config = "steps = 12";
  context.provenance = {{"device", "cpu"}};
  const train::TrainSummary summary = train_in(folder / "run", o, context);
  const auto lines = metrics_of(folder / "run");
  BOOST_TEST_REQUIRE(lines.size() == 3);
  BOOST_TEST(lines[0].at("step").get<int64_t>() == 5);
  BOOST_TEST(lines[2].at("step").get<int64_t>() == 12);
  BOOST_TEST(lines[2].at("validation_accuracy").get<double>() == summary.accuracy);
  const io::Checkpoint last = io::load_run_checkpoint(folder / "run", "last");
  BOOST_TEST(last.step == 12);
  BOOST_TEST(last.cursor == 12 * 16);
  BOOST_TEST(last.config == context.config);
  BOOST_TEST(last.provenance.at("device") == "cpu");
  BOOST_TEST(last.numbers.at("best_accuracy") == summary.best_accuracy);
  BOOST_TEST(last.numbers.at("ms_per_step") > 0);
  const double bound =
      certify::log10_constant(last.network, models::parse_threat("l2", last.network.input));
  BOOST_TEST(lines[2].at("log10_bound").get<double>() == bound);
  BOOST_TEST(summary.bound.value() == bound);
  BOOST_TEST(summary.parameters == 16 * 16 * 2 + 16 * 3);
  BOOST_TEST(!summary.interrupted);
}

// The best checkpoint is the one that the metrics say is best.
BOOST_AUTO_TEST_CASE(the_best_checkpoint_is_the_best_by_validation) {
  test::TempFolder folder;
  train::TrainOptions o = test::images_run("mlp");
  o.steps = 40;
  o.evaluate_every = 1;
  o.optimizer.lr = 0.3;
  train_in(folder / "run", o);
  double accuracy = -1, loss = 0;
  int64_t step = 0;
  for (const auto& line : metrics_of(folder / "run")) {
    const double a = line.at("validation_accuracy"), l = line.at("validation_loss");
    if (a > accuracy || (a == accuracy && l < loss)) {
      accuracy = a;
      loss = l;
      step = line.at("step");
    }
  }
  const io::Checkpoint best = io::load_run_checkpoint(folder / "run", "best");
  BOOST_TEST(best.step == step);
  const data::Dataset dataset = data::open_dataset(o.data);
  const auto again = train::evaluate(best.network, dataset, dataset.validation, 64, 16);
  BOOST_TEST(again.accuracy == accuracy);
  BOOST_TEST(again.loss == loss, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(a_run_that_explodes_keeps_its_last_checkpoint) {
  test::TempFolder folder;
  train::TrainOptions o = test::adamw_run(test::images_run("mlp"));
  o.steps = 40;
  o.checkpoint_every = 1;
  o.optimizer.lr = 1e12;
  o.optimizer.weight_decay = 0;
  try {
    train_in(folder / "run", o);
    BOOST_ERROR("expected an Error");
  } catch (const Error& error) {
    BOOST_TEST(std::string(error.what()).find("step ") == 0, error.what());
  }
  BOOST_CHECK_NO_THROW(io::load_run_checkpoint(folder / "run", "last"));
}

BOOST_AUTO_TEST_CASE(evaluation_does_not_depend_on_its_batches) {
  const train::TrainOptions o = test::named_run("vit");
  const data::Dataset dataset = data::open_dataset(o.data);
  const train::State state = train::fresh_state(o, dataset);
  const auto whole = train::evaluate(state.network, dataset, dataset.validation, 120, 120);
  const auto parts = train::evaluate(state.network, dataset, dataset.validation, 120, 7);
  BOOST_TEST(whole.accuracy == parts.accuracy);
  BOOST_TEST(whole.loss == parts.loss, boost::test_tools::tolerance(1e-5));
  BOOST_CHECK_THROW(train::evaluate(state.network, dataset, dataset.validation, 0, 7), Error);
}

// Networks beyond the caps that the run asks for are none of its best.
BOOST_AUTO_TEST_CASE(while_caps_fall_no_network_is_the_best) {
  for (const double start : {1.0, 4.0}) {
    test::TempFolder folder;
    train::TrainOptions o = test::images_run("mlp");
    o.constraint.start = start;
    o.constraint.w_max = 0.02;  // nothing is learned under the last caps
    o.constraint.w_max_head = 0.02;
    o.optimizer.lr = 0.001;
    train_in(folder / "run", o);
    const io::Checkpoint best = io::load_run_checkpoint(folder / "run", "best");
    BOOST_TEST((best.step == o.steps || start == 1));
    const auto& head = std::get<models::Linear>(best.network.layers.back().kind);
    BOOST_TEST(kernels::certified_sigma_max(head.weight) <=
               train::cap_of(models::Role::head, head.weight.sizes(), o.constraint));
  }
}

// One image: the loss takes two values, as it is seen from both sides.
BOOST_AUTO_TEST_CASE(every_step_draws_its_own_augmentation) {
  train::TrainOptions o = test::images_run("mlp");
  o.data.augmentation.flip = true;
  BOOST_TEST(losses_at_rest(o).size() == 2u);
}

// One window: each step reads other tokens, and none without noise.
BOOST_AUTO_TEST_CASE(every_step_draws_its_own_noise) {
  train::TrainOptions o = test::text_run();
  BOOST_TEST(losses_at_rest(o).size() == 1u);
  o.data.augmentation.noise = 0.5;
  BOOST_TEST(losses_at_rest(o).size() > 10u);
}

BOOST_AUTO_TEST_CASE(steps_see_smoothed_labels_at_every_temperature) {
  const auto first_loss = [](double temperature, double smoothing) {
    train::TrainOptions o = test::images_run("mlp");
    o.loss.temperature = temperature;
    o.loss.smoothing = smoothing;
    const data::Dataset dataset = data::open_dataset(o.data);
    train::State state = train::fresh_state(o, dataset);
    data::Order order = train::order_of(o, dataset);
    train::advance(state, dataset, order, o);
    return state.tally.loss;
  };
  for (const double temperature : {1.0, 2.0}) {
    BOOST_TEST(std::abs(first_loss(temperature, 0.5) - first_loss(temperature, 0)) > 1e-3);
  }
}

BOOST_AUTO_TEST_SUITE_END()
