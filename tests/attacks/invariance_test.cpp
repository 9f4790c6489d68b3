#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "tests/attacks/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using at::Tensor;
using models::Norm;
using models::Space;

namespace {

attacks::Rows pick(const attacks::Rows& rows, const Tensor& index) {
  const auto of = [&](const Tensor& t) { return t.index_select(0, index); };
  return {of(rows.input), of(rows.example), of(rows.position), of(rows.label)};
}

struct Case {
  models::Network network;
  attacks::Rows rows;
  models::Threat threat;
};

std::vector<Case> cases(uint64_t seed) {
  const at::Generator g = make_generator(seed);
  const models::Network mlp = test::mlp(5, 24, 5, seed);
  const test::Causal causal = test::causal_network(5, 6, 7, seed);
  const attacks::Rows images = test::image_rows(mlp, at::rand({6, 1, 5, 5}, g));
  const attacks::Rows tokens =
      test::token_rows(causal.network, at::randint(0, 7, {1, 5}, g, at::kLong));
  return {{mlp, images, {Space::pixels, Norm::l2, models::Box{0, 1}}},
          {mlp, images, {Space::pixels, Norm::linf, models::Box{0, 1}}},
          {causal.network, tokens, {Space::embedding, Norm::every_token, std::nullopt}},
          {causal.network, tokens, {Space::embedding, Norm::one_token, std::nullopt}}};
}

attacks::AttackOptions options_of(uint64_t seed, int64_t batch) {
  attacks::AttackOptions options;
  options.eps = {0.1, 0.3};
  options.search = 2;
  options.steps = 10;
  options.restarts = 2;
  options.seed = seed;
  options.batch = batch;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(invariance_test)

// Sums run in another order in another batch, so radii agree up to what the last bits of a
// perturbation are worth after a search, not bit by bit.
BOOST_AUTO_TEST_CASE(a_row_alone_gives_what_it_gives_in_a_batch) {
  const uint64_t seed = test::seed();
  for (const Case& c : cases(seed)) {
    const auto all = attacks::attack(c.network, c.rows, c.threat, options_of(seed, 256));
    const auto small = attacks::attack(c.network, c.rows, c.threat, options_of(seed, 2));
    for (int64_t i = 0; i < c.rows.label.size(0); i += 2) {
      const auto one = attacks::attack(c.network, pick(c.rows, at::full({1}, i, at::kLong)),
                                       c.threat, options_of(seed, 256));
      const auto radius = all.radius[i].item<double>();
      BOOST_TEST_CONTEXT(models::describe(c.threat) << " row " << i) {
        BOOST_TEST(std::abs(one.radius[0].item<double>() - radius) <= 1e-3 * radius);
        BOOST_TEST(std::abs(small.radius[i].item<double>() - radius) <= 1e-3 * radius);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_order_of_rows_does_not_matter_bit_by_bit) {
  const uint64_t seed = test::seed();
  for (const Case& c : cases(seed)) {
    const Tensor order = at::randperm(c.rows.label.size(0), make_generator(seed));
    const auto a = attacks::attack(c.network, c.rows, c.threat, options_of(seed, 1));
    const auto b = attacks::attack(c.network, pick(c.rows, order), c.threat, options_of(seed, 1));
    BOOST_TEST(at::equal(a.radius.index_select(0, order), b.radius));
    BOOST_TEST(at::equal(a.adversarial.index_select(0, order), b.adversarial));
    BOOST_TEST(at::equal(a.success.index_select(1, order), b.success));
  }
}

BOOST_AUTO_TEST_CASE(the_seed_matters_and_repeats) {
  const uint64_t seed = test::seed();
  const Case c = cases(seed).front();
  const auto a = attacks::attack(c.network, c.rows, c.threat, options_of(seed, 256));
  const auto again = attacks::attack(c.network, c.rows, c.threat, options_of(seed, 256));
  const auto other = attacks::attack(c.network, c.rows, c.threat, options_of(seed + 1, 256));
  BOOST_TEST(at::equal(a.adversarial, again.adversarial));
  BOOST_TEST(!at::equal(a.adversarial, other.adversarial));
}

BOOST_AUTO_TEST_CASE(more_rounds_never_give_a_larger_radius) {
  const uint64_t seed = test::seed();
  for (const Case& c : cases(seed)) {
    Tensor before;
    for (int64_t rounds = 0; rounds <= 4; ++rounds) {
      attacks::AttackOptions options = options_of(seed, 256);
      options.search = rounds;
      const Tensor radius = attacks::attack(c.network, c.rows, c.threat, options).radius;
      if (before.defined()) BOOST_TEST((radius <= before).all().item<bool>());
      before = radius;
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
