#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "src/core/core.hpp"
#include "tests/kernels/functions.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

// Every function on every shape, spectrum, scale and dtype against its reference, within what
// rounding can do (rounding_bounds.hpp).
using namespace taut;
using namespace taut::test;

namespace {

// Rounding to the stored dtype, twice for what passes through float; near the bottom of the dtype
// every term of every inner product may move by a step.
double storing_error(const Input& in, double size, bool scales) {
  const double steps = in.x.scalar_type() == at::kDouble     ? 0x1p-1074
                       : in.x.scalar_type() == at::kBFloat16 ? 0x1p-133
                                                             : 0x1p-149;
  const double bottom = scales ? std::ldexp(steps, -in.exponent) : 0;
  return 2 * in.stored_unit * size + 8 * bottom * in.r.m * std::sqrt(in.r.m * in.r.n);
}

void check(const Function& f, const Input& in) {
  BOOST_TEST_CONTEXT(f.name << " of " << in.name) {
    const at::Tensor got = f.run(in);
    if (f.needs_gap == (got.dim() > 1)) BOOST_TEST(got.scalar_type() == in.x.scalar_type());
    const at::Tensor expected = f.expected(in);
    const double size = expected.norm().item<double>();
    const double difference =
        (times_power(got, f.unit * -in.exponent) - expected).norm().item<double>();
    const double rounding = f.allowed(in), storing = storing_error(in, size, f.unit == 1);
    BOOST_TEST(difference <= rounding + storing);  // false for NaN
    // In double a bound that allows everything would be noticed.
    if (in.x.scalar_type() == at::kDouble) BOOST_TEST(rounding <= f.notices * (1 + size));
  }
}

struct Spectra {
  const char* name;
  Shape shape;
  bool gap;
};
constexpr Spectra kSpectra[] = {{"flat", Shape::flat, false},
                                {"decaying", Shape::geometric, true},
                                {"one spike", Shape::spike, true},
                                {"rank deficient", Shape::rank_deficient, false}};

bool representable(const Function& f, const Input& in) {  // alpha is about 2^(-2 exponent)
  return std::string(f.name) != "soft_cap" || std::abs(in.exponent) <= 400;
}

void check_all(const std::vector<Function>& functions) {
  std::mt19937_64 random(seed());
  for (const auto& [rows, cols] : {std::pair(1, 1), std::pair(1, 7), std::pair(9, 9),
                                   std::pair(12, 30), std::pair(30, 12), std::pair(40, 300)}) {
    for (const Spectra& spectra : kSpectra) {
      const Spectrum s = spectrum_of(spectra.shape, std::min(rows, cols), random);
      const at::Tensor unit = stored(with_spectrum(rows, cols, s, random()));
      for (const Dtype& dtype : kDtypes) {
        for (const int exponent : dtype.exponents) {
          const Input in =
              input(fmt::format("{} x {}, {}", rows, cols, spectra.name), unit, dtype, exponent);
          for (const Function& f : functions) {
            // Steps of the dtype at its bottom leave a spectrum no gap to speak of.
            const bool coarse = f.needs_gap && exponent <= -130;
            if ((f.needs_gap && !spectra.gap) || coarse || !representable(f, in)) continue;
            check(f, in);
          }
        }
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(accuracy_test)

BOOST_AUTO_TEST_CASE(polar_factors) { check_all(polar_functions()); }
BOOST_AUTO_TEST_CASE(caps) { check_all(cap_functions()); }
BOOST_AUTO_TEST_CASE(top_pairs) { check_all(pair_functions()); }

BOOST_AUTO_TEST_CASE(signs_of_symmetric_matrices) {
  std::mt19937_64 random(seed());
  const Polar set{PolarSet::polar_express, 7};
  for (const int64_t side : {1, 2, 9, 70}) {
    for (const Dtype& dtype : kDtypes) {
      for (const int exponent : dtype.exponents) {
        if (exponent <= -130) continue;  // rounding to so few bits is no longer symmetric
        at::Tensor unit = at::randn({side, side}, make_generator(random()), at::kDouble);
        unit = (unit + unit.t()) / std::sqrt(8.0 * static_cast<double>(side));
        const Input in = input(fmt::format("symmetric {}", side), unit, dtype, exponent);
        const Function f{"sign_symmetric",
                         [&](const Input& i) { return kernels::sign_symmetric(i.x, set); },
                         [&](const Input& i) { return reference::sign_symmetric(i.unit, set); },
                         [&](const Input& i) {
                           return plain_error(i.r, kernels::polar_steps(set), over_schatten4(i));
                         }};
        check(f, in);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_table_of_fifty_thousand_rows) {
  std::mt19937_64 random(seed());
  const Spectrum s = spectrum_of(Shape::spike, 64, random);
  const at::Tensor unit = stored(with_spectrum(50304, 64, s, random()));
  for (const Dtype& dtype : kDtypes) {
    const Input in = input("50304 x 64", unit, dtype, 0);
    for (const Function& f : all_functions()) check(f, in);
    const kernels::Interval sigma = kernels::certified_sigma(in.x).front();
    BOOST_TEST(sigma.lower <= in.s[0] * (1 + 1e-12));
    BOOST_TEST(sigma.upper >= in.s[0] * (1 - 1e-12));
    BOOST_TEST(sigma.upper <= in.s[0] * (1 + 2e-9));
  }
}

BOOST_AUTO_TEST_CASE(zero_stays_zero_whatever_the_dtype) {
  for (const auto& [rows, cols] : {std::pair(1, 1), std::pair(1, 5), std::pair(6, 4)}) {
    for (const Dtype& dtype : kDtypes) {
      const at::Tensor zero = at::zeros({rows, cols}, dtype.stored);
      Input in = input("zero", zero.to(at::kDouble), dtype, 0);
      for (const Function& f : all_functions()) {
        const at::Tensor got = f.run(in);
        BOOST_TEST(got.equal(at::zeros_like(got)), f.name);
      }
    }
  }
}

// The message says which matrix it is.
BOOST_AUTO_TEST_CASE(nan_and_infinity_are_errors_that_name_the_matrix) {
  for (const double bad : {std::nan(""), double(INFINITY), -double(INFINITY)}) {
    for (const Dtype& dtype : kDtypes) {
      Input in = input("", at::ones({3, 4}, at::kDouble), dtype, 0);
      in.x = at::ones({2, 3, 4}, dtype.stored);
      in.x[1][2][3] = bad;
      for (const Function& f : all_functions()) {
        const std::string what = error_of([&] { f.run(in); });
        BOOST_TEST(contains(what, "NaN or infinity"), f.name << ": " << what);
        BOOST_TEST((contains(what, "2 x 3 x 4") || contains(what, "of 3 x 4")), f.name << what);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
