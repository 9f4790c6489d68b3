#include "kernels/hard_cap.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "kernels/certified_sigma.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using kernels::HardCap;

namespace {

Spectrum capped(Spectrum spectrum, Real limit) {
  for (Real& value : spectrum) value = std::min(value, limit);
  return spectrum;
}

// Largest error of one method on matrices with singular values spread over [0, most].
double error_of(HardCap method, int64_t rows, int64_t cols, double most, at::ScalarType dtype) {
  const int64_t side = std::min(rows, cols);
  Spectrum spectrum(side);
  for (int64_t i = 0; i < side; ++i) spectrum[i] = Real(most) * (side - i) / side;
  const at::Tensor expected = stored(with_spectrum(rows, cols, capped(spectrum, 1), 5));
  const at::Tensor input = stored(with_spectrum(rows, cols, spectrum, 5), dtype);
  return largest_difference(kernels::hard_cap_by(method, input, 1), expected);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hard_cap_test)

// Every singular value above the limit becomes the limit: nothing else moves. Rounding to the
// dtype, and n u of the eigenvectors in double.
BOOST_AUTO_TEST_CASE(exactly_clips_singular_values) {
  std::mt19937_64 random(seed());
  for (const auto& [rows, cols] :
       {std::pair(1, 1), std::pair(1, 7), std::pair(6, 6), std::pair(5, 17), std::pair(17, 5)}) {
    for (const Shape shape : kShapes) {
      for (const double limit : {0.01, 0.4, 0.97, 3.0}) {
        const Spectrum spectrum = spectrum_of(shape, std::min(rows, cols), random);
        const at::Tensor expected = stored(with_spectrum(rows, cols, capped(spectrum, limit), 7));
        const Dense input = with_spectrum(rows, cols, spectrum, 7);
        const double wide = largest_difference(
            kernels::hard_cap_by(HardCap::exact, stored(input), limit), expected);
        BOOST_TEST(wide < 40 * 0x1p-53);
        const double single = largest_difference(
            kernels::hard_cap_by(HardCap::exact, stored(input, at::kFloat), limit), expected);
        BOOST_TEST(single < 8 * 0x1p-24);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(approximate_forms_err_within_what_is_promised) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    BOOST_TEST(error_of(HardCap::bounded, 40, 60, 1.05, dtype) < 5e-5);
    BOOST_TEST(error_of(HardCap::bounded, 60, 40, 1.1, dtype) < 6e-4);
    BOOST_TEST(error_of(HardCap::bounded, 40, 40, 0.9, dtype) < 1e-6);
    // n u sigma^2: of the Gram matrix, and as much again of LAPACK and of the two products.
    const double unit = dtype == at::kFloat ? 0x1p-24 : 0x1p-53;
    BOOST_TEST(error_of(HardCap::eigen, 40, 60, 1.05, dtype) < 4 * 40 * unit * 1.05 * 1.05);
    BOOST_TEST(error_of(HardCap::eigen, 60, 40, 5, dtype) < 4 * 40 * unit * 25);
    BOOST_TEST(error_of(HardCap::eigen, 140, 120, 2, dtype) < 4 * 120 * unit * 4);
    for (const int64_t side : {40, 140}) {  // nothing to cap
      BOOST_TEST(error_of(HardCap::eigen, side, side, 0.9, dtype) <= unit);
    }
    BOOST_TEST(error_of(HardCap::msign, 40, 60, 5, dtype) < 1e-5);
    BOOST_TEST(error_of(HardCap::msign, 40, 40, 2, dtype) < 1e-5);
    BOOST_TEST(error_of(HardCap::msign, 120, 140, 5, dtype) < 1e-5);
  }
}

// As many eigenvectors as the matrix that needs most of them, in whatever place of the batch.
BOOST_AUTO_TEST_CASE(matrices_of_a_batch_need_different_numbers_of_eigenvectors) {
  at::Generator g = make_generator(seed());
  const at::Tensor few = at::randn({30, 40}, g) * 0.08, many = at::randn({30, 40}, g);
  for (const auto& batch : {at::stack({few, many}), at::stack({many, few})}) {
    const at::Tensor capped = kernels::hard_cap_by(HardCap::eigen, batch, 1);
    for (int64_t i = 0; i < 2; ++i) {
      const at::Tensor exact = kernels::hard_cap_by(HardCap::exact, batch[i], 1);
      BOOST_TEST(largest_difference(capped[i], exact) < 1e-3);
    }
  }
}

// Squares leave the range of float: the bound was none.
BOOST_AUTO_TEST_CASE(a_wrong_bound_costs_no_limit) {
  at::Generator g = make_generator(seed());
  const at::Tensor w = at::randn({260, 270}, g);
  for (const double size : {1e3, 1e25}) {
    const at::Tensor capped = kernels::hard_cap(w * size, 1, 1.05);
    BOOST_TEST(kernels::certified_sigma_max(capped) <= 1);
    BOOST_TEST(kernels::certified_sigma_max(capped) > 0.9);
  }
}

BOOST_AUTO_TEST_CASE(the_stored_result_holds_the_limit) {
  at::Generator g = make_generator(seed());
  for (int draw = 0; draw < 60; ++draw) {
    const int64_t rows = 1 + draw % 9, cols = 1 + draw % 5;
    const double limit = std::pow(10.0, draw % 7 - 3);
    const at::Tensor w = at::randn({2, rows, cols}, g) * (draw % 3 == 0 ? 1e-3 : 3.0);
    BOOST_TEST(kernels::certified_sigma_max(kernels::hard_cap(w, limit)) <= limit);
  }
}

// Every singular value lies on the limit: two proofs of the same matrix must both find it held.
BOOST_AUTO_TEST_CASE(what_lies_on_the_limit_is_held_for_every_proof) {
  std::mt19937_64 random(seed());
  for (int64_t side = 1; side <= 40; ++side) {
    const Dense input = with_spectrum(side, side + side % 5, Spectrum(side, 2), random());
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
      const at::Tensor capped = kernels::hard_cap(stored(input, dtype), 1);
      BOOST_TEST(kernels::certified_sigma_max(capped) <= 1.0);
      // What the certified division takes: ten times its first margin, 2 sqrt(side) u, at most.
      const double unit = dtype == at::kFloat ? 0x1p-24 : 1e-9;
      const double taken = 20 * std::sqrt(static_cast<double>(side)) * unit;
      BOOST_TEST(largest_difference(capped, stored(input) / 2) < taken);
    }
  }
}

BOOST_AUTO_TEST_CASE(long_sides_take_the_working_precision_where_a_bound_is_known) {
  at::Generator g = make_generator(seed());
  const at::Tensor w = at::randn({260, 300}, g);
  const double sigma = kernels::certified_sigma_max(w);
  for (const double over : {1.05, 4.0}) {
    const double limit = sigma / over;
    const at::Tensor capped = kernels::hard_cap(w, limit, sigma);
    const at::Tensor exact = kernels::hard_cap(w, limit);
    BOOST_TEST(largest_difference(capped, exact) > 0);
    BOOST_TEST(largest_difference(capped, exact) < 260 * 0x1p-22 * sigma * over);
    BOOST_TEST(kernels::certified_sigma_max(capped) <= limit);
  }
  // Beyond the reach of the forms for bounded inputs.
  BOOST_TEST(at::equal(kernels::hard_cap(w, sigma / 6, sigma), kernels::hard_cap(w, sigma / 6)));
  // A bound that is held already: nothing to do.
  BOOST_TEST(at::equal(kernels::hard_cap(w, 1.001 * sigma, sigma), w));
}

BOOST_AUTO_TEST_CASE(what_holds_the_limit_is_not_touched) {
  at::Generator g = make_generator(seed());
  at::Tensor w = at::randn({3, 4, 6}, g);
  w[1] *= 1e-3;
  const at::Tensor capped = kernels::hard_cap(w, 0.5);
  BOOST_TEST(at::equal(capped[1], w[1]));
  BOOST_TEST(!at::equal(capped[0], w[0]));
  BOOST_TEST(at::equal(kernels::hard_cap(at::zeros({3, 5}), 1), at::zeros({3, 5})));
}

BOOST_AUTO_TEST_CASE(what_is_no_matrix_is_refused) {
  for (const double bad : {double{NAN}, double{INFINITY}}) {
    BOOST_CHECK_THROW(kernels::hard_cap(at::full({2, 2}, bad), 1), Error);
    BOOST_CHECK_THROW(kernels::hard_cap(at::ones({2, 2}), bad), Error);
  }
  BOOST_CHECK_THROW(kernels::hard_cap(at::ones({2, 2}), 0), Error);
  BOOST_CHECK_THROW(kernels::hard_cap(at::ones({3}), 1), Error);
  BOOST_CHECK_THROW(kernels::hard_cap(at::ones({2, 2}, at::kLong), 1), Error);
}

BOOST_AUTO_TEST_SUITE_END()
