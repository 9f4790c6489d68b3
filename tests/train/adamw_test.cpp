#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "src/core/core.hpp"
#include "src/train/adamw.hpp"
#include "tests/support.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(adamw_test)

BOOST_AUTO_TEST_CASE(steps_follow_the_scalar_reference) {
  const at::Generator generator = make_generator(test::seed());
  const int64_t entries = 7;
  const at::Tensor value = at::randn({entries}, generator);
  const at::Tensor first = at::zeros({entries}), second = at::zeros({entries});
  std::vector<double> w(entries), m(entries, 0), v(entries, 0);
  for (int64_t i = 0; i < entries; ++i) w[i] = value[i].item<double>();
  const double lr = 0.01, wd = 0.2, b1 = 0.9, b2 = 0.95, eps = 1e-8;
  for (int64_t t = 1; t <= 50; ++t) {
    const at::Tensor g = at::randn({entries}, generator) * std::pow(10.0, t % 5 - 2);
    train::adamw_step(value, first, second, g, {lr, wd, b1, b2, eps, t});
    for (int64_t i = 0; i < entries; ++i) {
      const double gi = g[i].item<double>();
      m[i] = b1 * m[i] + (1 - b1) * gi;
      v[i] = b2 * v[i] + (1 - b2) * gi * gi;
      const double m_hat = m[i] / (1 - std::pow(b1, t)), v_hat = v[i] / (1 - std::pow(b2, t));
      w[i] -= lr * wd * w[i];
      w[i] -= lr * m_hat / (std::sqrt(v_hat) + eps);
      BOOST_TEST(std::abs(value[i].item<double>() - w[i]) < 1e-5);
    }
  }
}

// With the bias correction the first step is lr in every entry, whatever the gradient's size.
BOOST_AUTO_TEST_CASE(the_first_step_is_the_rate) {
  const at::Tensor value = at::zeros({3}), first = at::zeros({3}), second = at::zeros({3});
  train::adamw_step(value, first, second, at::tensor({1e-3f, -5.f, 1e4f}), {.lr = 0.1});
  BOOST_TEST((value - at::tensor({-0.1f, 0.1f, -0.1f})).abs().max().item<double>() < 1e-5);
}

BOOST_AUTO_TEST_SUITE_END()
