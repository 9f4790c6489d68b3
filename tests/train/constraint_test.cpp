#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "kernels/kernels.hpp"
#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/constraint.hpp"
#include "src/train/step.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;
using models::Role;

namespace {

// The first weight above its cap, with its size; empty when every cap holds.
std::string above_cap(const models::Network& network, const train::ConstraintOptions& options) {
  std::string worst;
  models::for_each_tensor(network, [&](const std::string& path, const at::Tensor& t, Role role) {
    const double cap = train::cap_of(role, t.sizes(), options);
    double size = 0;
    if (train::is_matrix(role)) size = kernels::certified_sigma_max(t.detach());
    if (train::is_table(role)) {
      size = t.detach().to(at::kDouble).square().sum(1).sqrt().max().item<double>() * (1 - 1e-15);
    }
    if (size > cap) worst = fmt::format("{}: {} above {}", path, size, cap);
  });
  return worst;
}

// Checks the caps at the start and after each of 100 steps.
void train_under_caps(train::TrainOptions options, int64_t steps = 100) {
  options.steps = steps;
  const data::Dataset dataset = data::open_dataset(options.data);
  train::State state = train::fresh_state(options, dataset);
  data::Order order = train::order_of(options, dataset);
  BOOST_TEST_REQUIRE(above_cap(state.network, options.constraint) == "");
  while (state.step < options.steps) {
    train::advance(state, dataset, order, options);
    BOOST_TEST_REQUIRE(above_cap(state.network, options.constraint) == "");
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(constraint_test)

BOOST_AUTO_TEST_CASE(caps_go_by_role_and_shape) {
  const train::ConstraintOptions o{.name = "soft_cap", .w_max = 2, .w_max_head = 3, .table_rms = 5};
  BOOST_TEST(train::cap_of(Role::hidden, {4, 16}, o) == 1.0);
  BOOST_TEST(train::cap_of(Role::query, {8, 4, 16}, o) == 1.0);
  BOOST_TEST(train::cap_of(Role::output, {16, 16}, o) == 2.0);
  BOOST_TEST(train::cap_of(Role::head, {16, 4}, o) == 6.0);
  BOOST_TEST(train::cap_of(Role::embedding, {100, 9}, o) == 15.0);
  BOOST_TEST(std::isinf(train::cap_of(Role::bias, {16}, o)));
  BOOST_TEST(std::isinf(train::cap_of(Role::position_bias, {4, 16}, o)));
  BOOST_TEST(std::isinf(train::cap_of(Role::hidden, {4, 16}, {.name = "none"})));
}

// The largest step that is allowed, from weights that use their cap fully, against the gradient
// that makes them longer still: the soft cap alone brings them back, to rounding.
BOOST_AUTO_TEST_CASE(the_soft_cap_undoes_the_worst_step) {
  const at::Generator generator = make_generator(test::seed());
  const double w_max = 1.5;
  for (const double lr : {0.01, 0.2, 0.45}) {
    const double unit = train::unit_norm({2, 8, 32});
    const at::Tensor polar = kernels::orthogonalize(at::randn({2, 8, 32}, generator));
    const at::Tensor weights = polar * (unit * (w_max + lr));
    const double update = kernels::worst_output(kernels::PolarSet::modula6);
    train::constrain(weights, w_max, "soft_cap", 0, {lr, 0, update});
    const double norm = kernels::certified_sigma_max(weights) / unit;
    BOOST_TEST(norm <= w_max);
    BOOST_TEST(norm >= w_max * 0.98);
  }
}

// Weights from beyond the reach of one step, where the polynomial is no cap: the division holds
// them.
BOOST_AUTO_TEST_CASE(what_the_soft_cap_cannot_undo_is_divided) {
  const at::Generator generator = make_generator(test::seed());
  const double unit = train::unit_norm({2, 8, 32}), w_max = 1.5;
  const at::Tensor weights =
      kernels::orthogonalize(at::randn({2, 8, 32}, generator)) * (2 * unit * w_max);
  train::constrain(weights, w_max, "soft_cap", 0, {0.01, 0, 1});
  BOOST_TEST(kernels::certified_sigma_max(weights) <= w_max * unit);
}

BOOST_AUTO_TEST_CASE(an_mlp_stays_within_its_caps) {
  train::TrainOptions o = test::images_run("mlp");
  o.optimizer.lr = 0.3;
  train_under_caps(o);
}

BOOST_AUTO_TEST_CASE(a_vit_stays_within_its_caps) {
  train::TrainOptions o = test::images_run("vit");
  o.constraint = {.w_max = 1.3, .w_max_head = 0.7, .table_rms = 0.4};
  o.optimizer.nesterov = true;
  o.optimizer.weight_decay = 0.1;
  train_under_caps(o);
}

BOOST_AUTO_TEST_CASE(a_gpt_stays_within_its_caps) {
  train::TrainOptions o = test::text_run();
  o.optimizer.polar = "muon5";
  o.optimizer.lr = 0.2;
  train_under_caps(o);
}

BOOST_AUTO_TEST_CASE(every_constraint_holds_its_caps_under_both_optimizers) {
  for (const char* name : {"hard_cap", "spectral_normalize", "stiefel", "hammer"}) {
    for (const char* optimizer : {"muon", "adamw", "sgd"}) {
      for (train::TrainOptions o : {test::images_run("vit"), test::text_run()}) {
        BOOST_TEST_CONTEXT(name << " " << optimizer << " " << o.model.name) {
          o.optimizer.name = optimizer;
          if (o.optimizer.name != "muon") o.optimizer.lr = 0.02;
          o.constraint.name = name;
          train_under_caps(o, 12);
        }
      }
    }
  }
}

// Each role by its own method and cap.
BOOST_AUTO_TEST_CASE(roles_have_methods_of_their_own) {
  const train::ConstraintOptions o{.name = "soft_cap",
                                   .attention = "stiefel",
                                   .head = "none",
                                   .table = "none",
                                   .w_max = 2,
                                   .w_max_query_key = 0.5,
                                   .w_max_value = 3};
  BOOST_TEST(train::method_of(Role::hidden, o) == "soft_cap");
  BOOST_TEST(train::method_of(Role::output, o) == "soft_cap");
  BOOST_TEST(train::method_of(Role::key, o) == "stiefel");
  BOOST_TEST(train::method_of(Role::head, o) == "none");
  BOOST_TEST(train::method_of(Role::embedding, o) == "none");
  BOOST_TEST(train::method_of(Role::gain, o) == "none");
  BOOST_TEST(train::rms_cap_of(Role::hidden, o) == 2.0);
  BOOST_TEST(train::rms_cap_of(Role::query, o) == 0.5);
  BOOST_TEST(train::rms_cap_of(Role::value, o) == 3.0);
  BOOST_TEST(std::isinf(train::rms_cap_of(Role::head, o)));
  BOOST_TEST(std::isinf(train::rms_cap_of(Role::position, o)));
}

BOOST_AUTO_TEST_CASE(mixed_methods_hold_their_caps) {
  train::TrainOptions o = test::text_run();
  o.constraint = {.attention = "hard_cap",
                  .head = "spectral_normalize",
                  .w_max = 1.5,
                  .w_max_query_key = 0.6,
                  .w_max_value = 2};
  train_under_caps(o, 20);
}

// Fused, the stack of the heads holds the cap and a block may use all of it; per head, a block gets
// its share of it, which keeps the stack within it too.
BOOST_AUTO_TEST_CASE(fused_heads_are_capped_as_one_matrix) {
  for (const char* heads : {"per_head", "fused"}) {
    train::TrainOptions o = test::images_run("vit");
    o.constraint.heads = heads;
    o.optimizer.lr = 0.2;
    const data::Dataset dataset = data::open_dataset(o.data);
    train::State state = train::fresh_state(o, dataset);
    data::Order order = train::order_of(o, dataset);
    while (state.step < o.steps) train::advance(state, dataset, order, o);
    double stack = 0, block = 0;
    models::for_each_tensor(state.network, [&](const std::string&, const at::Tensor& t, Role role) {
      if (role != Role::query && role != Role::key && role != Role::value) return;
      const double unit = train::unit_norm(t.sizes());
      stack = std::max(stack, kernels::certified_sigma_max(t.detach().flatten(0, 1)));
      block = std::max(block, kernels::certified_sigma_max(t.detach()) / unit);
    });
    const bool fused = o.constraint.heads == "fused";
    BOOST_TEST(stack <= 1);
    BOOST_TEST((block <= 1) == !fused);
    if (fused) train_under_caps(o, 10);
  }
}

// Caps that move from three times their value to it hold at every step; stiefel uses them fully.
BOOST_AUTO_TEST_CASE(caps_can_fall_and_rise_while_training) {
  for (const double start : {3.0, 0.4}) {
    for (const char* method : {"soft_cap", "stiefel"}) {
      train::TrainOptions o = test::images_run("mlp");
      o.steps = 30;
      o.constraint.name = method;
      o.constraint.start = start;
      train::check(o);
      const data::Dataset dataset = data::open_dataset(o.data);
      train::State state = train::fresh_state(o, dataset);
      data::Order order = train::order_of(o, dataset);
      while (state.step < o.steps) {
        train::advance(state, dataset, order, o);
        train::ConstraintOptions now = o.constraint;
        const double factor = train::cap_factor(o.constraint, state.step, o.steps);
        now.w_max *= factor;
        now.w_max_head *= factor;
        BOOST_TEST_REQUIRE(above_cap(state.network, now) == "");
        const auto& head = std::get<models::Linear>(state.network.layers.back().kind);
        const double used = kernels::certified_sigma_max(head.weight.detach()) /
                            train::cap_of(Role::head, head.weight.sizes(), now);
        if (now.name == "stiefel") BOOST_TEST(used > 0.99);
      }
      BOOST_TEST(above_cap(state.network, o.constraint) == "");
    }
  }
}

// The bound that lets a projection be skipped is one: caps hold at every step, although most steps
// do nothing while the weights grow towards them.
BOOST_AUTO_TEST_CASE(lazy_caps_hold_and_skip) {
  for (const char* method : {"soft_cap", "hard_cap", "spectral_normalize"}) {
    train::TrainOptions o = test::named_run("lazy_vit");
    o.constraint.name = method;
    o.constraint.w_max_head = 1.2;
    train_under_caps(o, 40);
    const data::Dataset dataset = data::open_dataset(o.data);
    train::State state = train::fresh_state(o, dataset);
    data::Order order = train::order_of(o, dataset);
    // From norm 1 it takes (1.2 - 1) / .02 = 10 steps to the cap, one of them to learn that.
    for (int i = 0; i < 8; ++i) train::advance(state, dataset, order, o);
    BOOST_TEST(state.tally.projections > 0);
    BOOST_TEST(state.tally.projections_skipped > state.tally.projections / 2);
  }
  train::TrainOptions eager = test::named_run("vit");
  const data::Dataset dataset = data::open_dataset(eager.data);
  train::State state = train::fresh_state(eager, dataset);
  data::Order order = train::order_of(eager, dataset);
  train::advance(state, dataset, order, eager);
  BOOST_TEST(state.tally.projections > 0);
  BOOST_TEST(state.tally.projections_skipped == 0);
}

BOOST_AUTO_TEST_CASE(a_carried_bound_covers_the_worst_step) {
  const at::Generator generator = make_generator(test::seed());
  const double unit = train::unit_norm({1, 24, 60});
  const at::Tensor polar = kernels::orthogonalize(at::randn({1, 24, 60}, generator));
  const train::Move move{0.05, 0.3, kernels::worst_output(kernels::PolarSet::modula6)};
  at::Tensor w = polar * unit;
  double bound = train::certified_norm(w);
  BOOST_TEST(bound >= kernels::certified_sigma(w).front().lower / unit);
  for (int step = 0; step < 50; ++step) {
    w.mul_(1 - move.lr * move.weight_decay).add_(polar, move.lr * unit);  // all updates agree
    bound = train::carried_bound(bound, w.sizes(), move);
    const double norm = train::certified_norm(w);
    BOOST_TEST(bound >= norm * (1 - 1e-9));
    BOOST_TEST(bound <= norm * 1.02);
  }
  BOOST_TEST(std::isinf(train::carried_bound(1, w.sizes(), {0.1, 0, INFINITY})));
}

// The methods differ in what they leave below the cap.
BOOST_AUTO_TEST_CASE(each_constraint_does_what_its_name_says) {
  at::Generator g = make_generator(test::seed());
  const at::Tensor before = at::randn({1, 6, 6}, g);
  const at::Tensor sigma = at::linalg_svdvals(before)[0];
  const double cap = (sigma[0].item<double>() + sigma[1].item<double>()) / 2;
  const auto after = [&](const char* name) {
    const at::Tensor w = before.clone();
    train::constrain(w, cap, name, 0.5, {0.1, 0, INFINITY});
    return at::linalg_svdvals(w)[0];
  };
  const auto close = [](const at::Tensor& a, const at::Tensor& b) {
    return at::allclose(a, b, 1e-4, 1e-4);
  };
  BOOST_TEST(close(after("hard_cap"), sigma.clamp_max(cap)));
  BOOST_TEST(close(after("spectral_normalize"), sigma * (cap / sigma[0].item<double>())));
  BOOST_TEST(close(after("hammer"), sigma.clamp_max(cap)));
  at::Tensor decayed = sigma.clone();
  decayed[0] *= 0.95;
  BOOST_TEST(close(after("spectral_weight_decay"), std::get<0>(decayed.sort(0, true))));
  BOOST_TEST(close(after("none"), sigma));
  BOOST_TEST(after("stiefel").min().item<double>() > 0.9 * cap);
}

BOOST_AUTO_TEST_CASE(without_a_constraint_weights_grow) {
  train::TrainOptions o = test::images_run("mlp");
  o.constraint.name = "none";
  const data::Dataset dataset = data::open_dataset(o.data);
  train::State state = train::fresh_state(o, dataset);
  data::Order order = train::order_of(o, dataset);
  while (state.step < o.steps) train::advance(state, dataset, order, o);
  BOOST_TEST(above_cap(state.network, {.name = "soft_cap"}) != "");
}

BOOST_AUTO_TEST_SUITE_END()
