#include "certify/bound.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>

#include "tests/support.hpp"

using namespace taut::certify;

namespace {

const double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

BOOST_AUTO_TEST_SUITE(bound_test)

// binary128 holds sums and products of two doubles of like size exactly or far more exactly than
// binary64, so it sees a bound that fell short.
BOOST_AUTO_TEST_CASE(operations_round_outward) {
  std::mt19937_64 draw(taut::test::seed());
  std::uniform_real_distribution<double> mantissa(0.5, 1), exponent(-30, 30);
  for (int i = 0; i < 20000; ++i) {
    const double a = std::ldexp(mantissa(draw), static_cast<int>(exponent(draw)));
    const double b = std::ldexp(mantissa(draw), static_cast<int>(exponent(draw)));
    const auto x = static_cast<__float128>(a), y = static_cast<__float128>(b);
    BOOST_REQUIRE(static_cast<__float128>((Upper(a) + Upper(b)).value()) >= x + y);
    BOOST_REQUIRE(static_cast<__float128>((Upper(a) * Upper(b)).value()) >= x * y);
    BOOST_REQUIRE(static_cast<__float128>((Upper(a) / b).value()) * y >= x);
    const auto root = static_cast<__float128>(sqrt(Upper(a)).value());
    BOOST_REQUIRE(root * root >= x);
    const auto quotient = static_cast<__float128>(quotient_below(a, Upper(b)));
    BOOST_REQUIRE(quotient * y <= x);
    BOOST_REQUIRE((Upper(a) * Upper(b)).value() <= a * b * (1 + 0x1p-51));
  }
}

BOOST_AUTO_TEST_CASE(what_is_unknown_is_not_bounded) {
  BOOST_TEST(Upper(std::nan("")).value() == kInfinity);
  BOOST_TEST((Upper::infinity() * Upper()).value() == kInfinity);
  BOOST_TEST(quotient_below(std::nan(""), Upper(1)) == 0);
  BOOST_TEST(quotient_below(1, Upper::infinity()) == 0);
  BOOST_TEST(quotient_below(-1, Upper(1)) == 0);
  BOOST_TEST(quotient_below(0, Upper()) == 0);
  BOOST_TEST(quotient_below(1, Upper()) == kInfinity);
  BOOST_TEST(gamma(int64_t{1} << 24, 0x1p-24).value() == kInfinity);
  BOOST_TEST(gamma(3, 0x1p-53).value() >= 3 * 0x1p-53);
}

BOOST_AUTO_TEST_CASE(products_pass_the_range_of_double) {
  Upper product(1);
  for (int i = 0; i < 50; ++i) product = product * Upper(1e10);
  BOOST_TEST(product.value() == kInfinity);
  BOOST_TEST(product.log10() >= 500.0);
  BOOST_TEST(product.log10() < 500.0 + 1e-9);
}

BOOST_AUTO_TEST_CASE(exp_is_above_the_series) {
  for (double x : {0.0, 1e-9, 0.5, 1.0, 10.0, 100.0}) {
    // Taylor's partial sums lie below e^x for x >= 0.
    __float128 sum = 1, term = 1;
    for (int k = 1; k < 400; ++k) {
      term *= static_cast<__float128>(x) / k;
      sum += term;
    }
    BOOST_TEST((static_cast<__float128>(exp(Upper(x)).value()) >= sum));
  }
}

BOOST_AUTO_TEST_SUITE_END()
