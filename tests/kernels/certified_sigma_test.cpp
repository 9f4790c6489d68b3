#include "kernels/certified_sigma.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cfenv>
#include <cmath>
#include <limits>

#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using kernels::certified_sigma;
using kernels::Interval;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// lower <= sigma <= upper, each within 1e-8 of it; near the bottom of double within two subnormal
// steps.
void check_interval(const at::Tensor& matrix, Real sigma) {
  const Interval bound = certified_sigma(matrix).at(0);
  const Real tiny = 2 * std::numeric_limits<double>::denorm_min();
  BOOST_CHECK_MESSAGE(bound.upper >= sigma, "upper " << bound.upper << " below sigma " << sigma);
  BOOST_CHECK_MESSAGE(bound.lower <= sigma * (1 + 1e-17L),
                      "lower " << bound.lower << " > " << sigma);
  BOOST_CHECK_MESSAGE(bound.upper <= sigma * (1 + 1e-8L) + tiny, bound.upper << " above " << sigma);
  BOOST_CHECK_MESSAGE(bound.lower >= sigma * (1 - 1e-8L) - tiny, bound.lower << " below " << sigma);
}

bool says_not_finite(const Error& e) {
  return std::string(e.what()).find("NaN or infinity") != std::string::npos;
}

int64_t pick(std::mt19937_64& random, int64_t most) { return 1 + random() % most; }

}  // namespace

BOOST_AUTO_TEST_SUITE(certified_sigma_test)

BOOST_AUTO_TEST_CASE(brackets_every_singular_value_of_300_random_matrices) {
  std::mt19937_64 random(seed());
  const Real scales[] = {1, 1e-3L, 1e-160L, 1e-300L, std::ldexp(1.0L, -1070), 1e154L, 1e300L};
  for (int draw = 0; draw < 300; ++draw) {
    int64_t rows = pick(random, 32), cols = pick(random, 32);
    if (draw % 5 == 1) cols = 1;
    if (draw % 5 == 2) rows *= 7;
    if (draw % 5 == 3) cols *= 7;
    Spectrum spectrum = spectrum_of(kShapes[draw % 6], std::min(rows, cols), random);
    for (Real& value : spectrum) value *= scales[random() % 7];
    const at::Tensor matrix = stored(with_spectrum(rows, cols, spectrum, random()));
    check_interval(matrix, largest_singular_value(matrix));
  }
}

BOOST_AUTO_TEST_CASE(brackets_what_is_stored_in_every_dtype) {
  std::mt19937_64 random(seed());
  for (const auto dtype :
       {at::kFloat, at::kBFloat16, at::kHalf, at::kFloat8_e4m3fn, at::kFloat8_e5m2}) {
    for (const Real scale : {1.0L, 0.02L, 1e-39L}) {
      Spectrum spectrum = spectrum_of(Shape::nearly_flat, 20, random);
      for (Real& value : spectrum) value *= scale;
      const at::Tensor matrix = stored(with_spectrum(20, 30, spectrum, random()), dtype);
      check_interval(matrix, largest_singular_value(matrix));
    }
  }
}

BOOST_AUTO_TEST_CASE(brackets_a_larger_flat_spectrum_tightly) {
  // The orthogonal factor in double is within 1e-15 of orthogonal, whatever its size.
  const at::Tensor normal = at::randn({300, 200}, make_generator(seed()), at::kDouble);
  const at::Tensor q = std::get<0>(at::linalg_qr(normal));
  const Interval bound = certified_sigma(q).at(0);
  BOOST_TEST(bound.lower <= 1 + 1e-13);
  BOOST_TEST(bound.upper >= 1 - 1e-13);
  BOOST_TEST(bound.upper - bound.lower < 1e-9);
}

BOOST_AUTO_TEST_CASE(powers_of_two_change_the_exponent_alone) {
  const at::Tensor matrix = at::randn({9, 6}, make_generator(seed()), at::kDouble);
  const Interval bound = certified_sigma(matrix).at(0);
  for (const int k : {-900, -60, 17, 900}) {
    const Interval moved = certified_sigma(matrix * std::ldexp(1.0, k)).at(0);
    BOOST_TEST(moved.upper == std::ldexp(bound.upper, k));
    BOOST_TEST(moved.lower == std::ldexp(bound.lower, k));
  }
}

BOOST_AUTO_TEST_CASE(a_norm_beyond_double_is_infinite_above_and_finite_below) {
  const double most = std::numeric_limits<double>::max();
  const Interval bound = certified_sigma(at::full({3, 3}, most, at::kDouble)).at(0);
  BOOST_TEST(bound.upper == kInfinity);
  BOOST_TEST(bound.lower == most);
}

BOOST_AUTO_TEST_CASE(batches_keep_their_order_and_zero_is_zero) {
  at::Tensor batch = at::zeros({2, 2, 3, 4}, at::kFloat);
  for (int64_t i = 1; i < 4; ++i) batch[i / 2][i % 2][0][1] = static_cast<double>(i);
  const std::vector<Interval> bounds = certified_sigma(batch);
  BOOST_REQUIRE(bounds.size() == 4u);
  BOOST_TEST(bounds[0].upper == 0.0);
  BOOST_TEST(bounds[0].lower == 0.0);
  for (int i = 1; i < 4; ++i) {
    BOOST_TEST(bounds[i].lower <= i);
    BOOST_TEST(bounds[i].upper >= i);
    BOOST_TEST(bounds[i].upper <= i * (1 + 1e-9));
  }
  BOOST_TEST(kernels::certified_sigma_max(batch) == bounds[3].upper);
  BOOST_TEST(certified_sigma(at::zeros({0, 3, 4})).empty());
  BOOST_TEST(certified_sigma(at::zeros({3, 0})).at(0).upper == 0.0);
}

BOOST_AUTO_TEST_CASE(transposed_views_are_the_matrix_they_show) {
  const at::Tensor matrix = at::randn({5, 11}, make_generator(seed()), at::kDouble);
  check_interval(matrix.t(), largest_singular_value(matrix));
}

BOOST_AUTO_TEST_CASE(nan_and_infinity_are_refused) {
  for (const double bad : {std::nan(""), kInfinity, -kInfinity}) {
    for (const auto dtype : {at::kDouble, at::kFloat, at::kBFloat16}) {
      at::Tensor matrix = at::ones({2, 3, 3}, dtype);
      matrix[1][2][1] = bad;
      BOOST_CHECK_EXCEPTION(certified_sigma(matrix), Error, says_not_finite);
      BOOST_CHECK_EXCEPTION(kernels::certified_sigma_max(matrix), Error, says_not_finite);
    }
  }
  BOOST_CHECK_THROW(certified_sigma(at::ones({3})), Error);
  BOOST_CHECK_THROW(certified_sigma(at::ones({3, 3}, at::kLong)), Error);
}

BOOST_AUTO_TEST_CASE(arithmetic_that_is_not_ieee_is_refused) {
  const at::Tensor matrix = at::full({2, 2}, 1e-310, at::kDouble);
  at::globalContext().setFlushDenormal(true);
  BOOST_CHECK_THROW(certified_sigma(matrix), Error);
  at::globalContext().setFlushDenormal(false);
  std::fesetround(FE_UPWARD);
  BOOST_CHECK_THROW(certified_sigma(matrix), Error);
  std::fesetround(FE_TONEAREST);
  BOOST_TEST(certified_sigma(matrix).at(0).upper > 1.9e-310);
}

// Lanczos settles between them: the proof fails there, and all eigenvalues are asked.
BOOST_AUTO_TEST_CASE(two_close_values_are_not_taken_for_one) {
  at::Generator g = make_generator(seed());
  for (const double apart : {1e-7, 1e-8, 1e-9}) {
    at::Tensor values = at::rand({200}, g, at::kDouble) * 0.9;
    values[0] = 1;
    values[1] = 1 - apart;
    const auto sigma = kernels::certified_sigma(at::diag(values)).front();
    BOOST_TEST(sigma.upper >= 1.0);
    BOOST_TEST(sigma.upper <= 1 + 4e-10);
  }
}

BOOST_AUTO_TEST_SUITE_END()
