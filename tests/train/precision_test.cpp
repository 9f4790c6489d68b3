#include "src/train/precision.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <boost/test/unit_test.hpp>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/io/run.hpp"
#include "src/train/state.hpp"
#include "src/train/step.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

namespace {

double apart(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

at::Tensor first_batch(const data::Dataset& dataset) {
  return data::gather(dataset, dataset.train, at::arange(16, at::kLong)).input;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(precision_test)

// Products of rounded operands: not the fp32 ones, and not far from them. Cast weights of one call
// must not serve the next.
BOOST_AUTO_TEST_CASE(bf16_rounds_products_and_follows_the_weights) {
  for (const char* name : {"mlp", "vit", "gpt", "adamw_vit"}) {
    const train::TrainOptions o = test::named_run(name);
    const data::Dataset dataset = data::open_dataset(o.data);
    train::State state = train::fresh_state(o, dataset);
    const at::Tensor input = first_batch(dataset);
    const auto check = [&] {
      const at::Tensor exact = train::logits_in("fp32", state.network, input);
      const at::Tensor rounded = train::logits_in("bf16", state.network, input);
      const double size = exact.abs().max().item<double>();
      BOOST_TEST(rounded.scalar_type() == at::kFloat);
      BOOST_TEST(apart(exact, rounded) > 0, name);
      BOOST_TEST(apart(exact, rounded) < 0.1 * size, name);
      BOOST_TEST(at::equal(exact, models::forward(state.network, input)));
      return rounded.detach().clone();
    };
    const at::Tensor before = check();
    const at::AutoGradMode with_gradients(true);
    const auto leaves = train::leaves(state.optimizer.groups);
    const at::Tensor loss = train::logits_in("bf16", state.network, input).square().sum();
    for (const at::Tensor& gradient : torch::autograd::grad({loss}, leaves)) {
      BOOST_TEST(gradient.scalar_type() == at::kFloat);
    }
    for (const train::Group& group : state.optimizer.groups) group.value.detach().mul_(0.75);
    BOOST_TEST(apart(check(), before) > 0, name);
  }
}

BOOST_AUTO_TEST_CASE(a_run_in_bf16_learns_and_is_judged_in_fp32) {
  set_talkative(false);
  test::TempFolder folder;
  train::TrainOptions o = test::images_run("vit");
  o.steps = 60;
  std::map<std::string, train::TrainSummary> ends;
  for (const std::string& precision : train::precision_names()) {
    o.precision = precision;
    io::create_run(folder / precision, false);
    ends[precision] = train::train(o, test::context_in(folder / precision));
  }
  BOOST_TEST(ends["bf16"].loss != ends["fp32"].loss);
  BOOST_TEST(ends["bf16"].accuracy > ends["fp32"].accuracy - 0.1);
  const io::Checkpoint last = io::load_run_checkpoint(folder / "bf16", "last");
  const data::Dataset dataset = data::open_dataset(o.data);
  const train::Evaluation again =
      train::evaluate(last.network, dataset, dataset.validation, o.evaluate_examples, 256);
  BOOST_TEST(again.loss == ends["bf16"].loss);
}

BOOST_AUTO_TEST_CASE(an_unknown_precision_is_named) {
  train::TrainOptions o = test::named_run("vit");
  o.precision = "fp16";
  BOOST_TEST(test::contains(test::error_of([&] { train::check(o); }), "fp32, bf16"));
}

BOOST_AUTO_TEST_SUITE_END()
