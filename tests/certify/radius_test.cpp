#include "certify/radius.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "certify/certify.hpp"
#include "src/core/core.hpp"
#include "tests/certify/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::certify;

namespace {

const double kInfinity = std::numeric_limits<double>::infinity();

// A linear classifier on 2x2 images.
models::Network linear_model(const at::Tensor& weight, const at::Tensor& bias) {
  models::Network network;
  network.input.channels = 1;
  network.input.height = network.input.width = 2;
  network.layers = {{"flatten", models::Patchify{0}}, {"head", models::Linear{weight, bias, 1}}};
  return network;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(radius_test)

// For a linear model the certificate is the distance to the nearest boundary, min_j margin_j /
// ||w_y - w_j||, computed here in binary128: equal to 1e-12 and never above.
BOOST_AUTO_TEST_CASE(a_linear_model_gets_its_exact_distance) {
  at::Generator g = make_generator(test::seed());
  for (int trial = 0; trial < 40; ++trial) {
    const at::Tensor weight = at::randn({5, 4}, g, at::kFloat),
                     bias = at::randn({5}, g, at::kFloat);
    const at::Tensor image = at::rand({1, 1, 2, 2}, g, at::kFloat);
    const models::Network network = linear_model(weight, bias);
    const models::Threat l2 = models::parse_threat("l2", network.input);
    const Certificate c = certify::certify(network, image, at::zeros({1, 1}, at::kLong), {l2}, {});
    const auto y = c.prediction[0].item<int64_t>();
    // K is the identity's 1; the head is exact.
    const auto w = weight.accessor<float, 2>();
    const auto b = bias.accessor<float, 1>();
    const at::Tensor flat = image.flatten();
    const auto x = flat.accessor<float, 1>();
    __float128 best = 1e30;
    for (int64_t j = 0; j < 5; ++j) {
      if (j == y) continue;
      __float128 margin = static_cast<__float128>(b[y]) - b[j], square = 0;
      for (int64_t k = 0; k < 4; ++k) {
        const auto difference = static_cast<__float128>(w[y][k]) - w[j][k];
        margin += difference * x[k];
        square += difference * difference;
      }
      const auto root = static_cast<__float128>(std::sqrt(static_cast<long double>(square)));
      best = std::min(best, margin / root);
    }
    const auto radius = static_cast<__float128>(c.threats[0].radius[0].item<double>());
    BOOST_TEST((radius <= best * static_cast<__float128>(1 + 1e-18L)));
    BOOST_TEST((radius >= best * static_cast<__float128>(1 - 1e-12L)));
    BOOST_TEST(c.threats[0].radius_deployed[0].item<double>() <
               c.threats[0].radius[0].item<double>());
  }
}

BOOST_AUTO_TEST_CASE(linf_on_a_linear_model_is_the_l2_radius_over_root_pixels) {
  const models::Network network = linear_model(at::eye(4, at::kFloat).slice(0, 0, 2), {});
  const at::Tensor image = at::tensor({0.75f, 0.25f, 0.5f, 0.5f}).view({1, 1, 2, 2});
  const Certificate c = certify::certify(
      network, image, at::zeros({1, 1}, at::kLong),
      {models::parse_threat("l2", network.input), models::parse_threat("linf", network.input)}, {});
  BOOST_TEST(c.threats[0].radius[0].item<double>() == 0.5 / std::sqrt(2.0),
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(c.threats[1].radius[0].item<double>() == 0.25 / std::sqrt(2.0),
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(ties_nan_and_equal_rows) {
  const at::Tensor margins =
      at::tensor({1.0, kInfinity, 0.0, kInfinity, std::nan(""), kInfinity, -1.0, kInfinity},
                 at::kDouble)
          .view({4, 2});
  const at::Tensor distances = at::tensor({0.5, 0.0}, at::kDouble);
  const at::Tensor r = radii(margins, distances, {{kInfinity, Upper(2), Upper()}});
  BOOST_TEST(r[0].item<double>() == 1.0, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(r[0].item<double>() < 1.0);
  for (int i = 1; i < 4; ++i) BOOST_TEST(r[i].item<double>() == 0.0);
  // A rival with the same row is beaten for ever, or never.
  const at::Tensor same = at::zeros({2}, at::kDouble);
  const at::Tensor e = radii(at::tensor({1.0, kInfinity, 0.0, kInfinity}, at::kDouble).view({2, 2}),
                             same, {{kInfinity, Upper(2), Upper()}});
  BOOST_TEST(e[0].item<double>() == kInfinity);
  BOOST_TEST(e[1].item<double>() == 0.0);
  // No finite constant, no radius.
  BOOST_TEST(
      radii(margins, distances, {{kInfinity, Upper::infinity(), Upper()}}).max().item<double>() ==
      0.0);
}

// Each margin is the difference of two rounded logits that may both be off.
BOOST_AUTO_TEST_CASE(margins_stay_below_the_real_difference_and_its_doubt) {
  const at::Tensor logits = at::randn({200, 3}, make_generator(test::seed()), at::kDouble);
  for (const double error : {0.0, 0.125}) {
    const at::Tensor below = margins_below(logits, 1, Upper(error));
    for (int64_t i = 0; i < 200; ++i) {
      const long double exact = static_cast<long double>(logits[i][1].item<double>()) -
                                static_cast<long double>(logits[i][2].item<double>());
      const long double least = exact - std::sqrt(2.0L) * error;
      BOOST_TEST(below[i][2].item<double>() <= least);
      BOOST_TEST(below[i][2].item<double>() >= least - 1e-7L * error - 1e-15L * std::abs(exact));
    }
    BOOST_TEST(below.select(1, 1).isposinf().all().item<bool>());
  }
}

BOOST_AUTO_TEST_CASE(allowance_is_taken_from_the_margin_and_eps_caps_the_radius) {
  const at::Tensor margins = at::tensor({1.0, kInfinity}, at::kDouble).view({1, 2});
  const at::Tensor distances = at::tensor({1.0, 0.0}, at::kDouble);
  const auto radius = [&](std::vector<Promise> p) {
    return radii(margins, distances, p)[0].item<double>();
  };
  BOOST_TEST(radius({{kInfinity, Upper(1), Upper(0.25)}}) == 0.75,
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(radius({{0.5, Upper(1), Upper()}}) == 0.5);
  BOOST_TEST(radius({{0.5, Upper(1), Upper()}, {1.0, Upper(4), Upper()}}) == 0.5);
  BOOST_TEST(radius({{0.1, Upper(1), Upper()}, {1.0, Upper(4), Upper()}}) == 0.25,
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
