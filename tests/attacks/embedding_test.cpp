#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "tests/attacks/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using at::Tensor;
using models::Norm;
using models::Space;

namespace {

attacks::AttackOptions search_options() {
  attacks::AttackOptions options;
  options.search = 10;
  options.search_limit = 1000;
  return options;
}

// What each token can gain for a rival, (rivals, tokens): the norm of the margin's gradient there.
double closed_form(const Tensor& margin, const Tensor& gains, Norm norm) {
  const Tensor dual = norm == Norm::every_token ? gains.sum(1)
                      : norm == Norm::one_token ? gains.amax(1)
                                                : gains.square().sum(1).sqrt();
  return (margin / dual).min().item<double>();
}

// Margins and gains of position i: the gradient at token t is p_it V^T w + [t = i] w.
double causal_radius(const test::Causal& c, const Tensor& ids, int64_t i, int64_t label,
                     Norm norm) {
  const Tensor x = c.table.to(at::kDouble).index_select(0, ids), v = c.value.to(at::kDouble);
  const Tensor hidden = x[i] + at::mv(v, at::mv(x.t(), c.mix[i]));
  const Tensor w = c.weight.to(at::kDouble), z = at::mv(w, hidden);
  const Tensor others = at::arange(w.size(0)).masked_select(at::arange(w.size(0)) != label);
  const Tensor difference = (w - w[label]).index_select(0, others);
  const Tensor mixed = at::matmul(difference, v);
  Tensor gradient = c.mix[i].view({1, -1, 1}) * mixed.unsqueeze(1);
  gradient.select(1, i).add_(difference);
  return closed_form((z[label] - z).index_select(0, others), gradient.square().sum(-1).sqrt(),
                     norm);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(embedding_test)

BOOST_AUTO_TEST_CASE(pooled_tokens_reach_the_closed_form_of_each_threat) {
  const at::Generator g = make_generator(test::seed());
  const int64_t context = 5, width = 6, classes = 4;
  const Tensor table = at::randn({7, width}, g), position = at::randn({context, width}, g),
               weight = at::randn({classes, width}, g);
  const models::Network network{test::tokens(context, 7),
                                {{"embedding", models::Embedding{table}},
                                 {"position", models::Position{position}},
                                 {"pool", models::Pool{}},
                                 {"head", models::Linear{weight, {}}}}};
  const Tensor ids = at::randint(0, 7, {6, context}, g, at::kLong);
  const attacks::Rows rows = test::token_rows(network, ids);
  BOOST_TEST(rows.label.size(0) == 6);
  const Tensor z = models::forward(models::converted(network, at::kDouble), ids).select(1, 0);
  for (const Norm norm : {Norm::every_token, Norm::one_token, Norm::l2}) {
    const auto result =
        attacks::attack(network, rows, test::free_threat(Space::embedding, norm), search_options());
    for (int64_t i = 0; i < 6; ++i) {
      const auto label = rows.label[i].item<int64_t>();
      const Tensor others = at::arange(classes).masked_select(at::arange(classes) != label);
      const Tensor norms =
          (weight - weight[label]).index_select(0, others).to(at::kDouble).square().sum(1).sqrt();
      const Tensor gains =
          (norms / static_cast<double>(context)).unsqueeze(1).expand({-1, context});
      const double exact = closed_form((z[i][label] - z[i]).index_select(0, others), gains, norm);
      BOOST_TEST_CONTEXT(models::threat_name(result.threat) << " row " << i) {
        BOOST_TEST(result.radius[i].item<double>() >= exact * (1 - 1e-9));
        BOOST_TEST(result.radius[i].item<double>() <= exact * 1.01);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(positions_of_a_causal_network_reach_their_own_closed_forms) {
  const uint64_t seed = test::seed();
  const test::Causal c = test::causal_network(6, 5, 8, seed);
  const Tensor ids = at::randint(0, 8, {4, 6}, make_generator(seed), at::kLong);
  const attacks::Rows rows = test::token_rows(c.network, ids);
  const Tensor clean = models::injection(c.network, rows.input);
  for (const Norm norm : {Norm::every_token, Norm::one_token, Norm::l2}) {
    const auto result = attacks::attack(c.network, rows, test::free_threat(Space::embedding, norm),
                                        search_options());
    const Tensor moved = (result.adversarial != clean).any(-1);
    for (int64_t i = 0; i < rows.label.size(0); ++i) {
      const auto position = rows.position[i].item<int64_t>();
      const double exact =
          causal_radius(c, rows.input[i], position, rows.label[i].item<int64_t>(), norm);
      BOOST_TEST_CONTEXT(models::threat_name(result.threat) << " row " << i) {
        BOOST_TEST(result.radius[i].item<double>() >= exact * (1 - 1e-9));
        BOOST_TEST(result.radius[i].item<double>() <= exact * 1.01);
        BOOST_TEST(
            !moved[i].slice(0, position + 1).any().item<bool>());  // the future does not matter
        if (norm == Norm::one_token) BOOST_TEST(moved[i].sum().item<int64_t>() == 1);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(fixed_sizes_hold_every_token_to_its_ball) {
  const uint64_t seed = test::seed();
  const test::Causal c = test::causal_network(6, 5, 8, seed);
  const attacks::Rows rows =
      test::token_rows(c.network, at::randint(0, 8, {4, 6}, make_generator(seed), at::kLong));
  attacks::AttackOptions options;
  options.eps = {0.05, 0.2, 0.4};
  options.search = 0;
  options.steps = 40;
  options.restarts = 8;
  for (const Norm norm : {Norm::every_token, Norm::one_token, Norm::l2}) {
    const auto result =
        attacks::attack(c.network, rows, test::free_threat(Space::embedding, norm), options);
    int64_t successes = 0;
    for (int64_t i = 0; i < rows.label.size(0); ++i) {
      const double exact = causal_radius(c, rows.input[i], rows.position[i].item<int64_t>(),
                                         rows.label[i].item<int64_t>(), norm);
      for (int64_t e = 0; e < 3; ++e) {
        const double eps = options.eps[static_cast<size_t>(e)];
        const bool success = result.success[e][i].item<bool>();
        BOOST_TEST_CONTEXT(models::threat_name(result.threat)
                           << " row " << i << " eps " << eps << " exact " << exact) {
          if (eps < exact) BOOST_TEST(!success);
          if (eps > 1.05 * exact) BOOST_TEST(success);
        }
        successes += success;
      }
    }
    BOOST_TEST(successes > 0);
  }
}

BOOST_AUTO_TEST_CASE(the_scale_of_the_table_is_reported) {
  const test::Causal c = test::causal_network(3, 4, 5, test::seed());
  const attacks::Rows rows = test::token_rows(c.network, at::zeros({1, 3}, at::kLong));
  attacks::AttackOptions options;
  options.search = 0;
  const auto result =
      attacks::attack(c.network, rows, test::free_threat(Space::embedding, Norm::l2), options);
  const double rms = c.table.to(at::kDouble).square().mean().sqrt().item<double>();
  BOOST_TEST(std::abs(result.embedding_rms - rms) < 1e-12);
}

BOOST_AUTO_TEST_SUITE_END()
