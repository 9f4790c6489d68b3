#include "attacks/check.hpp"

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

Tensor longs(std::initializer_list<int64_t> values) {
  return at::tensor(at::ArrayRef<int64_t>(values.begin(), values.size()), at::kLong);
}

// Rows of examples 10, 11, 12, 13: broken at 0.5, at 0.2 in fp32 and at 0.4 in fp64, not at all,
// wrong when clean.
attacks::AttackResult planted_result() {
  attacks::AttackResult result;
  result.threat = kL2;
  result.example = longs({10, 11, 12, 13});
  result.position = longs({0, 0, 0, 0});
  result.label = longs({0, 0, 0, 0});
  result.prediction = longs({0, 0, 0, 1});
  result.radius = at::tensor({0.5, 0.2, test::kFar, 0.0}, at::kDouble);
  result.radius_confirmed = at::tensor({0.5, 0.4, test::kFar, 0.0}, at::kDouble);
  return result;
}

// The same rows in another order.
certify::Certificate certificate_of(std::initializer_list<double> radius) {
  certify::Certificate certificate;
  certificate.example = longs({13, 12, 11, 10});
  certificate.position = longs({0, 0, 0, 0});
  certificate.label = longs({0, 0, 0, 0});
  certificate.prediction = longs({1, 0, 0, 0});
  const Tensor values =
      at::tensor(at::ArrayRef<double>(radius.begin(), radius.size()), at::kDouble);
  certificate.threats.push_back({kL2, 1, 0, 1, values, at::zeros_like(values)});
  return certificate;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check_test)

BOOST_AUTO_TEST_CASE(only_a_confirmed_success_strictly_inside_contradicts) {
  const attacks::AttackResult result = planted_result();
  BOOST_TEST(attacks::check(result, certificate_of({0, 9, 0.1, 0.5})).contradictions.empty());
  const auto checked = attacks::check(result, certificate_of({0.3, 9, 0.3, 0.5000001}));
  BOOST_TEST(checked.compared == 2);
  BOOST_REQUIRE(checked.contradictions.size() == 1u);
  BOOST_TEST(checked.contradictions[0].example == 10);
  BOOST_TEST(checked.contradictions[0].attack_radius == 0.5);
  BOOST_TEST(checked.contradictions[0].certified_radius == 0.5000001);
}

BOOST_AUTO_TEST_CASE(what_only_fp32_is_fooled_by_hides_nothing_that_fp64_confirms) {
  const auto checked = attacks::check(planted_result(), certificate_of({0, 0, 0.45, 0}));
  BOOST_REQUIRE(checked.contradictions.size() == 1u);
  BOOST_TEST(checked.contradictions[0].example == 11);
  BOOST_TEST(checked.contradictions[0].attack_radius == 0.4);
}

BOOST_AUTO_TEST_CASE(a_promise_about_the_fp32_program_needs_no_fp64) {
  certify::Certificate certificate = certificate_of({0, 0, 0, 0});
  certificate.threats[0].radius_deployed = at::tensor({0.0, 9.0, 0.3, 0.4}, at::kDouble);
  const auto checked = attacks::check(planted_result(), certificate);
  BOOST_REQUIRE(checked.contradictions.size() == 1u);
  BOOST_TEST(checked.contradictions[0].example == 11);
}

// Example 13 is misread when clean: a certificate that says otherwise is wrong, one about what is
// predicted instead says nothing of the label.
BOOST_AUTO_TEST_CASE(a_clean_input_that_is_misread_lies_inside_every_promise) {
  certify::Certificate certificate = certificate_of({0.3, 0, 0, 0});
  BOOST_TEST(attacks::check(planted_result(), certificate).contradictions.empty());
  certificate.prediction = longs({0, 0, 0, 0});
  auto checked = attacks::check(planted_result(), certificate);
  BOOST_REQUIRE(checked.contradictions.size() == 1u);
  BOOST_TEST(checked.contradictions[0].example == 13);
  BOOST_TEST(checked.contradictions[0].attack_radius == 0);
  certificate = certificate_of({0, 0, 0, 9});
  certificate.prediction = longs({1, 0, 0, 2});
  checked = attacks::check(planted_result(), certificate);
  BOOST_TEST(checked.contradictions.empty());
  BOOST_TEST(checked.compared == 1);
}

BOOST_AUTO_TEST_CASE(rows_and_threats_that_the_certificate_lacks_compare_nothing) {
  certify::Certificate certificate = certificate_of({0, 9, 9, 9});
  certificate.position = longs({0, 0, 1, 0});
  BOOST_TEST(attacks::check(planted_result(), certificate).compared == 1);
  certificate.threats[0].threat.norm = Norm::every_token;
  certificate.threats[0].threat.space = Space::embedding;
  BOOST_TEST(attacks::check(planted_result(), certificate).compared == 0);
  BOOST_TEST(attacks::check(planted_result(), certificate).contradictions.empty());
}

// No entry moves further than all of them together: what is promised in linf holds for l2 attacks,
// and not the other way round. Of two promises the larger one counts, and a row counts once.
BOOST_AUTO_TEST_CASE(a_promise_in_a_smaller_norm_covers_larger_ones) {
  certify::Certificate certificate = certificate_of({0, 9, 0.1, 0.6});
  certificate.threats[0].threat.norm = Norm::linf;
  auto checked = attacks::check(planted_result(), certificate);
  BOOST_TEST(checked.compared == 2);
  BOOST_REQUIRE(checked.contradictions.size() == 1u);
  BOOST_TEST(checked.contradictions[0].certified_radius == 0.6);
  certificate.threats.push_back(certificate_of({0, 9, 0.1, 0.7}).threats[0]);
  checked = attacks::check(planted_result(), certificate);
  BOOST_TEST(checked.compared == 2);
  BOOST_REQUIRE(checked.contradictions.size() == 1u);
  BOOST_TEST(checked.contradictions[0].certified_radius == 0.7);
  const auto covered = [](Norm certified, Norm attacked) {
    certify::Certificate proof = certificate_of({0, 9, 9, 9});
    attacks::AttackResult result = planted_result();
    proof.threats[0].threat = {Space::embedding, certified, {}};
    result.threat = {Space::embedding, attacked, {}};
    return attacks::check(result, proof).compared > 0;
  };
  BOOST_TEST(covered(Norm::every_token, Norm::one_token));
  BOOST_TEST(covered(Norm::every_token, Norm::l2));
  BOOST_TEST(covered(Norm::l2, Norm::one_token));
  BOOST_TEST(!covered(Norm::l2, Norm::every_token));
  BOOST_TEST(!covered(Norm::one_token, Norm::l2));
  BOOST_TEST(!covered(Norm::one_token, Norm::every_token));
}

BOOST_AUTO_TEST_CASE(a_box_narrows_what_a_certificate_covers) {
  certify::Certificate certificate = certificate_of({0, 9, 9, 9});
  certificate.threats[0].threat.box.reset();
  BOOST_TEST(attacks::check(planted_result(), certificate).compared == 2);
  certificate.threats[0].threat.box = models::Box{0.25, 0.75};
  BOOST_TEST(attacks::check(planted_result(), certificate).compared == 0);
}

BOOST_AUTO_TEST_CASE(nan_and_other_labels_are_errors) {
  BOOST_CHECK_THROW(attacks::check(planted_result(), certificate_of({0, NAN, 0, 0})), Error);
  certify::Certificate certificate = certificate_of({0, 0, 0, 0});
  certificate.label = longs({0, 0, 2, 0});
  BOOST_CHECK_THROW(attacks::check(planted_result(), certificate), Error);
}

BOOST_AUTO_TEST_CASE(an_attack_exposes_a_planted_radius_and_no_other) {
  const at::Generator g = make_generator(test::seed());
  const Tensor weight = at::randn({3, 9}, g), bias = at::zeros({3});
  const models::Network network = test::linear_network(weight, bias, 3, 3);
  const attacks::Rows rows = test::image_rows(network, at::rand({8, 1, 3, 3}, g));
  attacks::AttackOptions options;
  options.search = 10;
  const auto result =
      attacks::attack(network, rows, test::free_threat(Space::pixels, Norm::l2), options);
  // The exact radii of a linear classifier: margin / ||w_y - w_j||.
  const Tensor z =
      models::forward(models::converted(network, at::kDouble), rows.input).select(1, 0);
  Tensor radius = at::empty({8}, at::kDouble);
  for (int64_t i = 0; i < 8; ++i) {
    const Tensor w = (weight - weight[rows.label[i].item<int64_t>()]).to(at::kDouble);
    const Tensor ratio = (z[i].max() - z[i]) / w.square().sum(1).sqrt();
    radius[i] = ratio.nan_to_num(test::kFar).min();
  }
  certify::Certificate certificate;
  certificate.example = rows.example;
  certificate.position = rows.position;
  certificate.label = rows.label;
  certificate.threats.push_back({result.threat, 1, 0, 1, radius, radius * 0.999});
  BOOST_TEST(attacks::check(result, certificate).contradictions.empty());
  BOOST_TEST(attacks::check(result, certificate).compared == 8);
  radius[5] *= 1.02;
  const auto checked = attacks::check(result, certificate);
  BOOST_REQUIRE(checked.contradictions.size() == 1u);
  BOOST_TEST(checked.contradictions[0].example == 5);
}

BOOST_AUTO_TEST_SUITE_END()
