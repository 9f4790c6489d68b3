#include "kernels/top_eigenvalue.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "kernels/certified_sigma.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;

namespace {

kernels::Gram gram_of(const at::Tensor& matrix) {
  return kernels::gram(kernels::scale_to_unit(matrix));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(top_eigenvalue_test)

// Spectra that end in a plateau, a spike or twins, on sides where Lanczos works.
BOOST_AUTO_TEST_CASE(estimates_the_largest_eigenvalue_of_large_matrices) {
  std::mt19937_64 random(seed());
  for (const Shape shape : kShapes) {
    const Spectrum spectrum = spectrum_of(shape, 150, random);
    const at::Tensor x = stored(with_spectrum(170, 150, spectrum, random()));
    const kernels::ScaledMatrix a = kernels::scale_to_unit(x);
    const kernels::EigenEstimate top = kernels::estimate_top(gram_of(x));
    const Real exact = std::ldexp(1.0L, -2 * a.exponent);  // the largest singular value is 1
    BOOST_TEST(std::fabs(top.value / exact - 1) < 1e-10);
    double length = 0;
    for (const double entry : top.vector) length += entry * entry;
    BOOST_TEST(std::fabs(length - 1) < 1e-9);
  }
}

// What the proof makes of the estimate: an interval around the true value, as tight as promised.
BOOST_AUTO_TEST_CASE(certified_intervals_of_large_matrices_are_tight) {
  std::mt19937_64 random(seed());
  for (const Shape shape : kShapes) {
    const Spectrum spectrum = spectrum_of(shape, 130, random);
    for (const auto& [rows, cols] : {std::pair(130, 200), std::pair(200, 130)}) {
      const at::Tensor x = stored(with_spectrum(rows, cols, spectrum, random()));
      const kernels::Interval sigma = kernels::certified_sigma(x).front();
      // Storing the entries moves the value by 2^-53 ||X||_F at most.
      const double moved = 0x1p-53 * x.norm().item<double>();
      BOOST_TEST(sigma.upper >= 1 - moved);
      BOOST_TEST(sigma.lower <= 1 + moved);
      BOOST_TEST(sigma.upper <= 1 + 2e-9);
      BOOST_TEST(sigma.lower >= 1 - 1e-7);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
