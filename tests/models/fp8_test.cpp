#include "models/fp8.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "models/activations.hpp"
#include "tests/models/sample.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// The numbers of e4m3 >= 0: exponent bias 7, subnormal below 2^-6, all ones is NaN.
std::vector<double> e4m3_numbers() {
  std::vector<double> numbers;
  for (int exponent = 0; exponent < 16; ++exponent) {
    for (int mantissa = 0; mantissa < 8; ++mantissa) {
      if (exponent == 15 && mantissa == 7) continue;
      numbers.push_back(exponent == 0 ? std::ldexp(mantissa, -9)
                                      : std::ldexp(8 + mantissa, exponent - 10));
    }
  }
  return numbers;
}

double nearest_distance(double x, const std::vector<double>& numbers) {
  double least = INFINITY;
  for (const double n : numbers) least = std::min(least, std::fabs(std::fabs(x) - n));
  return least;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fp8_test)

BOOST_AUTO_TEST_CASE(every_entry_becomes_the_nearest_number) {
  const std::vector<double> numbers = e4m3_numbers();
  BOOST_TEST(numbers.back() == 448);
  at::Generator g = make_generator(seed());
  for (const double range : {448.0, 7.0, 1e-3}) {
    const Tensor x = (at::rand({2000}, g, at::kDouble) * 2 - 1).pow(3) * range;
    const Tensor y = as_e4m3(x, range);
    for (int64_t i = 0; i < x.numel(); ++i) {
      const double scaled = x[i].item<double>() * 448 / range, left = y[i].item<double>();
      const double distance = std::fabs(left * 448 / range - scaled);
      BOOST_TEST(distance <= nearest_distance(scaled, numbers) * (1 + 1e-6) + 1e-9 * 448);
      BOOST_TEST(distance <= std::max(std::fabs(scaled) / 16, 0x1p-10) * (1 + 1e-6));
      BOOST_TEST(left * scaled >= 0);
    }
    BOOST_TEST(at::equal(as_e4m3(y, range), y));
  }
}

BOOST_AUTO_TEST_CASE(what_lies_outside_is_cut_off_and_nothing_stays_nothing) {
  const Tensor x = at::tensor({-9.0, 2.0, 1.0, 0.0}, at::kDouble);
  BOOST_TEST(at::equal(as_e4m3(x, 1), at::tensor({-1.0, 1.0, 1.0, 0.0}, at::kDouble)));
  BOOST_TEST(at::equal(as_e4m3(x, 0), at::zeros({4}, at::kDouble)));
  BOOST_CHECK_THROW(as_e4m3(x, INFINITY), Error);
  BOOST_CHECK_THROW(as_e4m3(x, NAN), Error);
  BOOST_CHECK_THROW(as_e4m3(x, -1), Error);
}

BOOST_AUTO_TEST_CASE(matrices_are_rounded_and_vectors_are_not) {
  const at::Generator g = make_generator(3);
  Network network = build({}, {InputKind::pixels, 1, 8, 8, 0, 1, 0, 0}, 10, g);
  // Outputs start at zero, which every format holds.
  for_each_tensor(network,
                  [&](const std::string&, Tensor& t, Role) { t = t + at::rand(t.sizes(), g); });
  const Network rounded = with_e4m3_weights(network);
  std::map<std::string, Tensor> before;
  for_each_tensor(network,
                  [&](const std::string& path, const Tensor& t, Role) { before[path] = t; });
  int changed = 0;
  for_each_tensor(rounded, [&](const std::string& path, const Tensor& t, Role role) {
    const Tensor& w = before.at(path);
    const double range = w.abs().max().item<double>();
    const bool matrix = role != Role::bias && role != Role::gain && role != Role::constant;
    if (!matrix || w.dim() < 2) {
      BOOST_TEST(at::equal(t, w), path);
      return;
    }
    BOOST_TEST(largest_difference(t, w) <= range / 16);
    BOOST_TEST(at::equal(t, as_e4m3(w, range)), path);
    changed += at::equal(t, w) ? 0 : 1;
  });
  BOOST_TEST(changed > 5);
}

BOOST_AUTO_TEST_SUITE_END()
