#include "src/train/constant_estimate.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "certify/certify.hpp"
#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "src/train/constraint.hpp"
#include "src/train/state.hpp"
#include "src/train/step.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;
using train::ConstantEstimate;
using train::estimate_constant;
using train::estimated_constant;

namespace {

models::Network network_of(const std::string& name, uint64_t seed) {
  models::Architecture a = test::images_run(name).model;
  models::InputSpec input;
  input.channels = 1;
  input.height = input.width = 8;
  a.clamp = 0;
  models::Network network = models::build(a, input, 10, make_generator(seed));
  // Zero and orthogonal weights have every norm alike; these have none.
  at::Generator g = make_generator(seed + 1);
  models::for_each_tensor(network, [&](const std::string&, at::Tensor& t, models::Role role) {
    if (train::is_matrix(role)) t = t + 0.1 * at::randn(t.sizes(), g, at::kFloat);
  });
  return network;
}

models::Threat l2(const models::Network& network) {
  return models::parse_threat("l2", network.input);
}

ConstantEstimate estimate_of(const models::Network& network) {
  ConstantEstimate estimate = estimate_constant(network, l2(network));
  train::take_forms(estimate, network);
  return estimate;
}

double log_constant(const models::Network& network) {
  return certify::log10_constant(network, l2(network)) * std::log(10.0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(constant_estimate_test)

// K of an MLP is the product of its norms: power 1 each, wherever the weights go.
BOOST_AUTO_TEST_CASE(an_mlp_is_the_product_of_its_norms) {
  models::Network network = network_of("mlp", test::seed());
  const ConstantEstimate estimate = estimate_of(network);
  BOOST_TEST_REQUIRE(estimate.terms.size() == 2u);  // the head comes after K
  for (const auto& term : estimate.terms) BOOST_TEST(std::fabs(term.power - 1) < 1e-6);
  BOOST_TEST(std::fabs(std::log(estimated_constant(estimate, network).item<double>()) -
                       log_constant(network)) < 1e-5);
  models::for_each_tensor(network, [&](const std::string& path, at::Tensor& t, models::Role) {
    if (path == estimate.terms[0].path) t = t * 3;
    if (path == estimate.terms[1].path) t = t * 0.5;
  });
  BOOST_TEST(std::fabs(std::log(estimated_constant(estimate, network).item<double>()) -
                       log_constant(network)) < 1e-4);
}

// In a transformer the powers are slopes: a small change of any weight is followed.
BOOST_AUTO_TEST_CASE(a_transformer_is_followed_to_first_order) {
  const models::Network network = network_of("vit", test::seed());
  const ConstantEstimate estimate = estimate_of(network);
  BOOST_TEST_REQUIRE(estimate.terms.size() >= 10u);
  for (const auto& term : estimate.terms) {
    models::Network moved = network;
    models::for_each_tensor(moved, [&](const std::string& path, at::Tensor& t, models::Role) {
      if (path == term.path) t = t * 1.01;
    });
    const double followed = std::log(estimated_constant(estimate, moved).item<double>());
    const double change = log_constant(moved) - estimate.log_constant;
    BOOST_TEST(change > 0);
    BOOST_TEST(std::fabs(followed - estimate.log_constant - change) < 0.05 * change + 1e-6,
               term.path);
  }
}

BOOST_AUTO_TEST_CASE(its_gradient_shortens_every_weight_it_names) {
  models::Network network = network_of("vit", test::seed());
  const ConstantEstimate estimate = estimate_of(network);
  std::vector<at::Tensor> leaves;
  models::for_each_tensor(network, [&](const std::string& path, at::Tensor& t, models::Role) {
    t = t.detach().clone().requires_grad_(true);
    for (const auto& term : estimate.terms) {
      if (term.path == path) leaves.push_back(t);
    }
  });
  const auto gradients =
      torch::autograd::grad({estimated_constant(estimate, network).log()}, leaves);
  for (size_t i = 0; i < leaves.size(); ++i) {
    // Scaling a weight by 1 + h scales K by (1 + h)^power.
    const double slope = (gradients[i] * leaves[i]).sum().item<double>();
    BOOST_TEST(std::fabs(slope - estimate.terms[i].power) < 1e-3);
  }
}

// Between two looks forms stay what they are; the sixth step looks again.
BOOST_AUTO_TEST_CASE(training_takes_forms_every_five_steps) {
  train::TrainOptions o = test::images_run("mlp");
  o.loss.certified_eps = 0.1;
  const data::Dataset dataset = data::open_dataset(o.data);
  data::Order order = train::order_of(o, dataset);
  train::State state = train::fresh_state(o, dataset);
  at::Tensor first;
  for (int step = 0; step < 6; ++step) {
    const models::Network before = models::moved(state.network, at::kCPU);
    std::vector<at::Tensor> weights;
    models::for_each_tensor(before,
                            [&](const std::string&, const at::Tensor& t, models::Role role) {
                              if (train::is_matrix(role)) weights.push_back(t.detach().clone());
                            });
    train::advance(state, dataset, order, o);
    const at::Tensor form = state.constant.terms[0].form;
    if (step == 0) first = form.clone();
    BOOST_TEST(form.equal(first) == (step < 5));
    const bool fresh = form.equal(kernels::gram_form(weights[0], 3));
    BOOST_TEST(fresh == (step == 0 || step == 5));
  }
}

// Branches that begin at zero have no power in K at first, and then ever more of one.
BOOST_AUTO_TEST_CASE(training_follows_branches_that_begin_at_zero) {
  for (const char* model : {"vit", "mlp"}) {
    train::TrainOptions o = test::images_run(model);
    o.steps = 200;
    o.loss.certified_eps = 0.01;
    const data::Dataset dataset = data::open_dataset(o.data);
    data::Order order = train::order_of(o, dataset);
    train::State state = train::fresh_state(o, dataset);
    const models::Threat threat = train::threat_of(o.loss, dataset.input);
    double most = 0, before = 0;
    for (int step = 0; step < 80; ++step) {
      train::advance(state, dataset, order, o);
      const models::Network now = models::converted(state.network, at::kFloat);
      const double known = certify::log10_constant(now, threat) * std::log(10.0);
      if (step == 0) before = known;
      const double followed =
          std::log(estimated_constant(state.constant, state.network).item<double>());
      most = std::max(most, std::fabs(followed - known));
      if (step == 79 && state.constant.settling) BOOST_TEST(known - before > 1);
    }
    BOOST_TEST(most < 0.5, model << " " << most);
    BOOST_TEST(state.constant.settling == (std::string(model) == "vit"));
  }
}

BOOST_AUTO_TEST_CASE(a_constant_that_drowns_the_logits_is_refused) {
  const models::Network network = network_of("vit", test::seed());
  const ConstantEstimate estimate = estimate_constant(network, l2(network));
  const double constant = std::exp(estimate.log_constant);
  const at::Tensor distances = at::full({2, 2}, 2.0);
  BOOST_CHECK_NO_THROW(train::check_margin(estimate, distances, 0x1p22 / constant));
  BOOST_CHECK_THROW(train::check_margin(estimate, distances, 0x1p24 / constant), Error);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_keeps_it) {
  const models::Network network = network_of("vit", test::seed());
  ConstantEstimate estimate = estimate_of(network);
  estimate.settling = true;
  std::map<std::string, double> numbers{{"train_seconds", 1.0}};
  std::map<std::string, at::Tensor> tensors;
  train::save_estimate(estimate, numbers, tensors);
  const ConstantEstimate again = train::load_estimate(numbers, tensors);
  BOOST_TEST(again.log_constant == estimate.log_constant);
  BOOST_TEST(again.settling);
  BOOST_TEST_REQUIRE(again.terms.size() == estimate.terms.size());
  for (size_t i = 0; i < again.terms.size(); ++i) {
    BOOST_TEST(again.terms[i].path == estimate.terms[i].path);
    BOOST_TEST(again.terms[i].power == estimate.terms[i].power);
    BOOST_TEST(again.terms[i].log_norm == estimate.terms[i].log_norm);
    BOOST_TEST(again.terms[i].form.equal(estimate.terms[i].form));
  }
  BOOST_TEST(train::load_estimate({{"train_seconds", 1.0}}, {}).terms.empty());
  // What was written without forms takes them when they are needed.
  const ConstantEstimate without = train::load_estimate(numbers, {});
  BOOST_TEST(!without.terms[0].form.defined());
  BOOST_CHECK_THROW(estimated_constant(without, network), Error);
  for (auto& [name, value] : numbers) {
    if (name.starts_with("constant.norm.")) {
      numbers.erase(name);
      break;
    }
  }
  BOOST_CHECK_THROW(train::load_estimate(numbers, tensors), Error);
}

BOOST_AUTO_TEST_SUITE_END()
