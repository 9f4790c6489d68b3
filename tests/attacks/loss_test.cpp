#include "attacks/loss.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"

using namespace taut;
using at::Tensor;
using attacks::Loss;

namespace {

Tensor one(std::initializer_list<double> logits) {
  return at::tensor(at::ArrayRef<double>(logits.begin(), logits.size()), at::kDouble).unsqueeze(0);
}

double value(Loss loss, const Tensor& logits, int64_t label) {
  return attacks::loss_of(loss, logits, at::full({1}, label, at::kLong)).item<double>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_test)

BOOST_AUTO_TEST_CASE(the_margin_of_negative_logits_is_not_masked_by_zero) {
  BOOST_TEST(value(Loss::margin, one({-5, -3, -9}), 1) == -2.0);
  BOOST_TEST(value(Loss::margin, one({-5, -3, -9}), 2) == 6.0);
}

BOOST_AUTO_TEST_CASE(dlr_is_the_scaled_margin_and_the_margin_below_three_classes) {
  BOOST_TEST(std::abs(value(Loss::dlr, one({4, 3, 1, 0}), 0) - -1.0 / 3) < 1e-9);
  BOOST_TEST(std::abs(value(Loss::dlr, one({40, 30, 10, 0}), 0) - -1.0 / 3) < 1e-9);
  BOOST_TEST(value(Loss::dlr, one({4, 3}), 0) == -1.0);
}

BOOST_AUTO_TEST_CASE(cross_entropy_is_the_negative_log_likelihood) {
  BOOST_TEST(std::abs(value(Loss::cross_entropy, one({0, 0, 0, 0}), 2) - std::log(4.0)) < 1e-12);
}

BOOST_AUTO_TEST_CASE(ties_and_nan_count_as_misclassified_unless_a_lead_is_asked_for) {
  const Tensor label = at::zeros({4}, at::kLong);
  const Tensor logits =
      at::tensor({1.0, 1.0, 1.0, 0.9, 1.0, NAN, 1.0, 1.0 + 1e-9}, at::kDouble).view({4, 2});
  const Tensor strict = attacks::misclassified(logits, label, 0);
  BOOST_TEST(at::equal(strict, at::tensor({1, 0, 1, 1}).to(at::kBool)));
  const Tensor clear = attacks::misclassified(logits, label, attacks::kSlack);
  BOOST_TEST(at::equal(clear, at::tensor({0, 0, 1, 0}).to(at::kBool)));
}

BOOST_AUTO_TEST_CASE(losses_go_by_name) {
  for (const Loss loss : {Loss::cross_entropy, Loss::margin, Loss::dlr}) {
    BOOST_TEST((attacks::parse_loss(attacks::loss_name(loss)) == loss));
  }
  BOOST_CHECK_THROW(attacks::parse_loss("hinge"), Error);
}

BOOST_AUTO_TEST_SUITE_END()
