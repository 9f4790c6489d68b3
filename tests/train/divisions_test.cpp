#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "src/core/core.hpp"
#include "src/train/constraint.hpp"
#include "src/train/optimizer.hpp"
#include "src/train/state.hpp"
#include "src/train/step.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

// Soft caps are divided by a certified norm where weights are shown, not at every step.
using namespace taut;

namespace {

constexpr double kRounded = 1 + 0x1p-48;  // of cap_of and certified_norm

// The largest certified norm over its cap.
double excess(const std::vector<train::Group>& groups) {
  double most = 0;
  for (const train::Group& group : groups) {
    if (group.layout != train::Layout::matrices || std::isinf(group.cap)) continue;
    most = std::max(most, train::certified_norm(group.value.detach()) / group.cap);
  }
  return most;
}

struct Run {
  train::TrainOptions options;
  data::Dataset dataset = data::open_dataset(options.data);
  train::State state = train::fresh_state(options, dataset);

  void advance(int steps) {
    data::Order order = train::order_of(options, dataset);
    for (int i = 0; i < steps; ++i) train::advance(state, dataset, order, options);
  }

  // Against every matrix itself, so that each of its singular values grows as far as one step goes.
  void push(int steps, bool certify) {
    for (int i = 0; i < steps; ++i) {
      std::vector<at::Tensor> gradients;
      for (const at::Tensor& leaf : train::leaves(state.optimizer.groups)) {
        gradients.push_back(-leaf.detach().clone());
      }
      train::Rates rates;
      rates.certify = certify;
      train::step(state.optimizer, gradients, rates, options);
    }
  }
};

train::TrainOptions pushed_run(const char* name) {
  train::TrainOptions o = test::named_run(name);
  o.optimizer.polar = "polar_express";
  o.optimizer.polar_steps = 7;  // to the last digits
  return o;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(divisions_test)

BOOST_AUTO_TEST_CASE(without_a_division_caps_err_by_rounding) {
  for (const char* name : {"mlp", "vit", "gpt"}) {
    Run run{pushed_run(name)};
    int over = 0;
    for (int step = 0; step < 30; ++step) {
      run.push(1, /*certify=*/false);
      const double most = excess(run.state.optimizer.groups);
      // A few roundings of sqrt(side) u; later steps add none.
      BOOST_TEST(most <= 1 + 4 * 4 * 0x1p-24);
      BOOST_TEST(most >= 0.999);
      over += most > kRounded ? 1 : 0;
    }
    BOOST_TEST(over > 0, name);
    run.push(1, /*certify=*/true);
    BOOST_TEST(excess(run.state.optimizer.groups) <= kRounded);
  }
}

// Its next look may be long after the weights are shown.
BOOST_AUTO_TEST_CASE(a_lazy_cap_divides_whenever_it_projects) {
  Run run{pushed_run("lazy_vit")};
  run.options.optimizer.lr = 0.1;
  for (int step = 0; step < 30; ++step) {
    run.push(1, /*certify=*/false);
    BOOST_TEST(excess(run.state.optimizer.groups) <= kRounded);
  }
  BOOST_TEST(excess(run.state.optimizer.groups) > 0.999);  // it has projected
}

BOOST_AUTO_TEST_CASE(caps_are_certified_where_evaluations_and_checkpoints_are_due) {
  Run run{test::named_run("vit")};
  run.options.evaluate_every = 3;
  run.options.checkpoint_every = 4;
  run.options.steps = 11;
  for (int step = 1; step <= 11; ++step) {
    run.advance(1);
    const bool due = step % 3 == 0 || step % 4 == 0 || step == 11;
    for (const train::Group& group : run.state.optimizer.groups) {
      const bool capped = group.method == "soft_cap";
      BOOST_TEST(group.held == (due || !capped), group.members.front().path << " at " << step);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_saved_between_holds_its_caps_and_training_goes_on_as_before) {
  Run run{pushed_run("vit")}, whole{run.options};
  int pushes = 0;
  for (; pushes < 30 && excess(run.state.optimizer.groups) <= kRounded; ++pushes) {
    run.push(1, /*certify=*/false);
  }
  BOOST_TEST_REQUIRE(pushes < 30);
  const io::Checkpoint saved = train::snapshot(run.state, {}, run.options);
  models::Network shown = models::converted(saved.network, at::kFloat);
  BOOST_TEST(excess(train::make_groups(shown, run.options.optimizer, run.options.constraint)) <=
             kRounded);
  Run resumed{run.options};
  resumed.state = train::resumed_state(run.options, run.dataset, saved);
  BOOST_TEST(excess(resumed.state.optimizer.groups) > kRounded);
  resumed.push(5, /*certify=*/false);
  whole.push(pushes + 5, /*certify=*/false);
  BOOST_TEST(test::first_difference(train::snapshot(resumed.state, {}, run.options),
                                    train::snapshot(whole.state, {}, run.options)) == "");
}

BOOST_AUTO_TEST_CASE(weights_that_do_not_fit_are_refused) {
  Run run{test::named_run("vit")};
  run.advance(1);
  io::Checkpoint saved = train::snapshot(run.state, {}, run.options);
  at::Tensor& weight = saved.optimizer.at("uncapped.blocks.0.attention.query.weight");
  const at::Tensor good = weight;
  for (const at::Tensor& bad : {good * NAN, good.flatten()}) {
    weight = bad;
    const std::string what =
        test::error_of([&] { train::resumed_state(run.options, run.dataset, saved); });
    BOOST_TEST(test::contains(what, "uncapped.blocks.0.attention.query.weight"), what);
  }
}

// The first step leaves (1 - momentum) times the gradient behind.
BOOST_AUTO_TEST_CASE(momentum_is_warmed_up) {
  Run plain{test::named_run("vit")};
  plain.options.optimizer.momentum = 0.95;
  Run warm{plain.options};
  warm.options.optimizer.momentum_start = 0.85;
  warm.options.optimizer.momentum_warmup = 0.5;
  plain.advance(1);
  warm.advance(1);
  const auto& a = plain.state.optimizer.groups;
  const auto& b = warm.state.optimizer.groups;
  int compared = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].rule == train::Rule::adam) continue;
    const double size = a[i].momentum.abs().max().item<double>();
    const at::Tensor apart = 3 * a[i].momentum - b[i].momentum;
    BOOST_TEST(apart.abs().max().item<double>() <= 1e-5 * size);
    ++compared;
  }
  BOOST_TEST(compared > 2);
}

BOOST_AUTO_TEST_SUITE_END()
