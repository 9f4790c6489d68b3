#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "tests/attacks/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using at::Tensor;
using models::Norm;
using models::Space;

namespace {

const models::Threat kL2{Space::pixels, Norm::l2, models::Box{0, 1}};
const models::Threat kLinf{Space::pixels, Norm::linf, models::Box{0, 1}};

}  // namespace

BOOST_AUTO_TEST_SUITE(attack_test)

BOOST_AUTO_TEST_CASE(constant_logits_are_never_broken_and_give_no_nan) {
  const models::Network network =
      test::linear_network(at::zeros({3, 4}), at::tensor({0.0f, 1.0f, 0.5f}), 2, 2);
  const attacks::Rows rows =
      test::image_rows(network, at::rand({3, 1, 2, 2}, make_generator(test::seed())));
  attacks::AttackOptions options;
  options.eps = {0.1, 10};
  options.search = 2;
  options.steps = 3;
  for (const models::Threat& threat : {kL2, kLinf}) {
    for (const auto loss :
         {attacks::Loss::cross_entropy, attacks::Loss::margin, attacks::Loss::dlr}) {
      options.loss = loss;
      const auto result = attacks::attack(network, rows, threat, options);
      BOOST_TEST(!result.success.any().item<bool>());
      BOOST_TEST(result.radius.isinf().all().item<bool>());
      BOOST_TEST(result.radius_confirmed.isinf().all().item<bool>());
      BOOST_TEST(at::equal(result.adversarial, rows.input));
    }
  }
}

BOOST_AUTO_TEST_CASE(clean_mistakes_have_radius_zero_at_every_size) {
  const uint64_t seed = test::seed();
  const models::Network network = test::mlp(4, 12, 3, seed);
  attacks::Rows rows = test::image_rows(network, at::rand({4, 1, 4, 4}, make_generator(seed)));
  rows.label[1] = (rows.label[1] + 1) % 3;
  attacks::AttackOptions options;
  options.eps = {0, 1e-3};
  options.search = 1;
  const auto result = attacks::attack(network, rows, kL2, options);
  BOOST_TEST(result.radius[1].item<double>() == 0.0);
  BOOST_TEST(result.success.select(1, 1).all().item<bool>());
  BOOST_TEST(result.radius_confirmed[1].item<double>() == 0.0);
  BOOST_TEST(at::equal(result.adversarial[1], rows.input[1]));
  BOOST_TEST(!result.success[0][0].item<bool>());
}

BOOST_AUTO_TEST_CASE(a_tie_on_the_clean_input_is_a_mistake) {
  const models::Network network = test::linear_network(at::zeros({2, 1}), at::zeros({2}), 1, 1);
  const attacks::Rows rows = test::image_rows(network, at::zeros({1, 1, 1, 1}));
  attacks::AttackOptions options;
  options.eps = {0.5};
  const auto result = attacks::attack(network, rows, kL2, options);
  BOOST_TEST(result.radius.item<double>() == 0.0);
  BOOST_TEST(result.success.item<bool>());
}

BOOST_AUTO_TEST_CASE(flags_are_what_the_stored_adversarials_show) {
  const uint64_t seed = test::seed();
  const models::Network network = test::mlp(5, 24, 5, seed),
                        exact = models::converted(network, at::kDouble);
  const Tensor images = (at::rand({20, 1, 5, 5}, make_generator(seed)) * 2 - 0.5).clamp(0, 1);
  const attacks::Rows rows = test::image_rows(network, images);
  attacks::AttackOptions options;
  options.eps = {0.3, 0.05, 0.1, 1.0};
  options.search = 4;
  for (const models::Threat& threat : {kL2, kLinf}) {
    const auto result = attacks::attack(network, rows, threat, options);
    const Tensor stored = result.adversarial.to(at::kDouble);
    BOOST_TEST((stored >= 0).logical_and(stored <= 1).all().item<bool>());
    const Tensor moved = (stored - images.to(at::kDouble)).flatten(1);
    const Tensor size =
        threat.norm == Norm::l2 ? moved.square().sum(1).sqrt() : moved.abs().amax(1);
    for (int64_t i = 0; i < 20; ++i) {
      const auto radius = result.radius[i].item<double>();
      const auto label = rows.label[i].item<int64_t>();
      const auto wrong = [&](const models::Network& n, const Tensor& x) {
        return models::forward(n, x.narrow(0, i, 1)).flatten().argmax().item<int64_t>() != label;
      };
      BOOST_TEST(wrong(network, result.adversarial) == std::isfinite(radius));
      if (std::isfinite(radius)) {
        BOOST_TEST(size[i].item<double>() <= radius);
        BOOST_TEST(radius <= size[i].item<double>() * (1 + 1e-12));
      }
      const auto real = result.radius_confirmed[i].item<double>();
      BOOST_TEST(real >= radius);
      BOOST_TEST(wrong(exact, stored) == (std::isfinite(real) && real == radius));
      BOOST_TEST(wrong(exact, result.adversarial_confirmed.to(at::kDouble)) == std::isfinite(real));
      for (int64_t e = 0; e < 4; ++e) {
        BOOST_TEST(result.success[e][i].item<bool>() ==
                   (radius <= options.eps[static_cast<size_t>(e)]));
      }
    }
    BOOST_TEST(result.radius.isfinite().any().item<bool>());
  }
}

BOOST_AUTO_TEST_CASE(accuracy_does_not_rise_with_eps_and_sizes_may_come_in_any_order) {
  const uint64_t seed = test::seed();
  const models::Network network = test::mlp(5, 24, 5, seed);
  const attacks::Rows rows =
      test::image_rows(network, at::rand({30, 1, 5, 5}, make_generator(seed)));
  attacks::AttackOptions options;
  options.search = 0;
  options.steps = 10;
  options.eps = {0.5, 0.02, 0.1, 0.05, 0.2, 2};
  const auto result = attacks::attack(network, rows, kL2, options);
  const Tensor broken = result.success.sum(1);
  for (const auto& [small, large] : {std::pair{1, 3}, {3, 2}, {2, 4}, {4, 0}, {0, 5}}) {
    BOOST_TEST(broken[small].item<int64_t>() <= broken[large].item<int64_t>());
    BOOST_TEST(
        result.success[small].logical_and(result.success[large].logical_not()).any().item<bool>() ==
        false);
  }
  BOOST_TEST(broken[5].item<int64_t>() > 0);
}

BOOST_AUTO_TEST_CASE(fp32_only_success_is_recorded_as_not_confirmed) {
  const models::Network network = test::staircase();
  const attacks::Rows rows{at::full({1, 1, 1, 1}, 0.3), at::zeros({1}, at::kLong),
                           at::zeros({1}, at::kLong), at::zeros({1}, at::kLong)};
  attacks::AttackOptions options;
  options.eps = {0.1};
  for (const int64_t search : {0, 8}) {
    options.search = search;
    const auto result = attacks::attack(network, rows, kLinf, options);
    BOOST_TEST(result.prediction.item<int64_t>() == 0);
    BOOST_TEST(result.success.item<bool>());
    BOOST_TEST(result.radius.item<double>() >= 0.0499);
    BOOST_TEST(std::isinf(result.radius_confirmed.item<double>()));
    BOOST_TEST(at::equal(result.adversarial_confirmed, rows.input));
  }
}

BOOST_AUTO_TEST_CASE(work_stops_on_rows_that_are_broken) {
  const uint64_t seed = test::seed();
  const models::Network network = test::mlp(5, 24, 5, seed);
  const attacks::Rows rows =
      test::image_rows(network, at::rand({10, 1, 5, 5}, make_generator(seed)));
  attacks::AttackOptions options;
  options.search = 0;
  options.eps = {5, 6, 7};
  options.restarts = 4;
  const auto result = attacks::attack(network, rows, kL2, options);
  BOOST_TEST(result.success.all().item<bool>());
  // Nine aims at most, and one run in which every row leaves early.
  BOOST_TEST(result.gradients <= 10 * (4 + options.steps));
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
  const models::Network network = test::linear_network(at::ones({2, 4}), at::zeros({2}), 2, 2);
  const attacks::Rows rows =
      test::image_rows(network, at::rand({2, 1, 2, 2}, make_generator(test::seed())));
  const auto refused = [&](auto change) {
    attacks::AttackOptions options;
    attacks::Rows changed = rows;
    models::Threat threat = kL2;
    change(options, changed, threat);
    BOOST_CHECK_THROW(attacks::attack(network, changed, threat, options), Error);
  };
  refused([](auto& o, auto&, auto&) { o.steps = 0; });
  refused([](auto& o, auto&, auto&) { o.restarts = 0; });
  refused([](auto& o, auto&, auto&) { o.batch = 0; });
  refused([](auto& o, auto&, auto&) { o.eps = {-0.1}; });
  refused([](auto& o, auto&, auto&) { o.eps = {NAN}; });
  refused([](auto&, auto& r, auto&) { r.label = at::full({2}, 2, at::kLong); });
  refused([](auto&, auto& r, auto&) { r.position = at::ones({2}, at::kLong); });
  refused([](auto&, auto& r, auto&) { r.example = at::zeros({1}, at::kLong); });
  refused([](auto&, auto& r, auto&) { r.input = r.input + 1; });
  refused([](auto&, auto&, auto& t) { t.norm = Norm::every_token; });
  refused([](auto&, auto&, auto& t) { t.space = Space::embedding; });
  refused([](auto&, auto&, auto& t) { t.box = models::Box{0.9999, 1}; });
}

BOOST_AUTO_TEST_CASE(logits_that_are_no_numbers_are_refused) {
  const models::Network network = test::linear_network(at::full({2, 1}, NAN), at::zeros({2}), 1, 1);
  const attacks::Rows rows = test::image_rows(network, at::zeros({1, 1, 1, 1}));
  BOOST_CHECK_THROW(attacks::attack(network, rows, kL2, {}), Error);
}

BOOST_AUTO_TEST_SUITE_END()
