#include "src/train/sgd.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "src/core/core.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(sgd_test)

// With a constant gradient g the momentum after t steps is g (1 - b^t) / (1 - b).
BOOST_AUTO_TEST_CASE(a_constant_gradient_adds_up_geometrically) {
  const double b = 0.8, lr = 0.1, g = 2;
  for (const bool nesterov : {false, true}) {
    const at::Tensor w = at::zeros({3}, at::kDouble), m = at::zeros({3}, at::kDouble);
    double expected = 0;
    for (int t = 1; t <= 6; ++t) {
      train::sgd_step(w, m, at::full({3}, g, at::kDouble), {lr, 0, b, nesterov});
      const double sum = g * (1 - std::pow(b, t)) / (1 - b);
      expected -= lr * (nesterov ? g + b * sum : sum);
      BOOST_TEST((w - expected).abs().max().item<double>() < 1e-13);
    }
  }
}

BOOST_AUTO_TEST_CASE(decay_is_decoupled_from_the_gradient) {
  const at::Tensor w = at::full({2}, 4.0, at::kDouble), m = at::zeros({2}, at::kDouble);
  train::sgd_step(w, m, at::zeros({2}, at::kDouble), {0.1, 0.5, 0.9, false});
  BOOST_TEST(std::fabs(w[0].item<double>() - 4 * 0.95) < 1e-14);
  BOOST_TEST(m.abs().max().item<double>() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
