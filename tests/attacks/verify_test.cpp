#include "attacks/verify.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "attacks/campaign.hpp"
#include "attacks/loss.hpp"
#include "tests/attacks/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using at::Tensor;
using models::Norm;
using models::Space;

namespace {

// Class 0 where the only pixel is positive.
const models::Threat kBoxed{Space::pixels, Norm::l2, models::Box{-1, 1}};
const models::Threat kFree{Space::pixels, Norm::l2, std::nullopt};

models::Network sign_network() {
  models::Network network =
      test::linear_network(at::tensor({1.0f, -1.0f}).view({2, 1}), at::zeros({2}), 1, 1);
  network.input.low = -1;
  return network;
}

attacks::Rows one_row() {
  const Tensor zero = at::zeros({1}, at::kLong);
  return {at::full({1, 1, 1, 1}, 0.5), zero, zero, zero};
}

bool fooled(const models::Threat& threat, double pixel) {
  const attacks::Subject subject = attacks::make_subject(sign_network(), threat);
  const Tensor adversarial = at::full({1, 1, 1, 1}, pixel, at::kFloat);
  return attacks::verify(subject, one_row(), adversarial, /*slack=*/0).fooled.item<bool>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(verify_test)

// Logits 20 and 30 under c tanh(z / c) are one number in fp32 and in fp64; in the reals they are
// not, and only the fp32 program is fooled.
BOOST_AUTO_TEST_CASE(a_cap_on_the_logits_makes_no_ties_in_the_reals) {
  models::Network network = test::linear_network(at::tensor({20.0F, 30.0F}).view({2, 1}), {}, 1, 1);
  network.layers.push_back({"logit_cap", models::Activation{models::Curve::tanh, 15}});
  const attacks::Subject subject = attacks::make_subject(network, kFree);
  attacks::Rows rows = one_row();
  rows.input = at::ones({1, 1, 1, 1});
  rows.label = at::ones({1}, at::kLong);
  const attacks::Verdict v = attacks::verify(subject, rows, rows.input, /*slack=*/0);
  BOOST_TEST(v.fooled.item<bool>());
  BOOST_TEST(!v.confirmed.item<bool>());
}

BOOST_AUTO_TEST_CASE(only_finite_inputs_inside_the_box_fool) {
  BOOST_TEST(fooled(kFree, -0.25));
  BOOST_TEST(fooled(kFree, -3));
  BOOST_TEST(!fooled(kFree, 0.25));
  BOOST_TEST(!fooled(kFree, -INFINITY));
  BOOST_TEST(!fooled(kFree, NAN));
  BOOST_TEST(fooled(kBoxed, -1));
  BOOST_TEST(!fooled(kBoxed, -1.0001));
}

// The last pass believes nothing that the search has left behind.
BOOST_AUTO_TEST_CASE(what_does_not_hold_is_given_up) {
  attacks::AttackOptions options;
  options.search = 0;
  attacks::Campaign c{.subject = attacks::make_subject(sign_network(), kBoxed),
                      .rows = one_row(),
                      .options = options};
  attacks::prepare(c);
  for (attacks::Best* best : {&c.found, &c.confirmed}) {
    best->radius[0] = 0.1;
    best->adversarial.fill_(0.4);
  }
  attacks::verify_all(c);
  for (const attacks::Best* best : {&c.found, &c.confirmed}) {
    BOOST_TEST(std::isinf(best->radius.item<double>()));
    BOOST_TEST(best->adversarial.item<float>() == 0.5f);
  }
  // What holds gets the size that it has, and stands in for what does not.
  c.found.radius[0] = 0.01;
  c.confirmed.radius[0] = 0.1;
  c.confirmed.adversarial.fill_(-0.25);
  attacks::verify_all(c);
  for (const attacks::Best* best : {&c.found, &c.confirmed}) {
    BOOST_TEST(std::abs(best->radius.item<double>() - 0.75) < 1e-12);
    BOOST_TEST(best->adversarial.item<float>() == -0.25f);
  }
}

// From 0.3 the program flips at 0.25, the reals at 0.125: two records, neither in the other's
// place.
BOOST_AUTO_TEST_CASE(what_fools_fp32_alone_stays_the_smaller_find) {
  const models::Threat boxed{Space::pixels, Norm::l2, models::Box{0, 1}};
  attacks::Rows rows = one_row();
  rows.input.fill_(0.3);
  attacks::AttackOptions options;
  options.search = 0;
  attacks::Campaign c{
      .subject = attacks::make_subject(test::staircase(), boxed), .rows = rows, .options = options};
  attacks::prepare(c);
  c.found.radius[0] = c.confirmed.radius[0] = 1.0;
  c.found.adversarial.fill_(0.2);
  c.confirmed.adversarial.fill_(0.1);
  attacks::verify_all(c);
  BOOST_TEST(std::abs(c.found.radius.item<double>() - 0.1) < 1e-6);
  BOOST_TEST(std::abs(c.confirmed.radius.item<double>() - 0.2) < 1e-6);
  BOOST_TEST(c.found.adversarial.item<float>() == 0.2f);
}

BOOST_AUTO_TEST_SUITE_END()
