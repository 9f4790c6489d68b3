#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "kernels/kernels.hpp"
#include "kernels/reference.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/kernels/rounding_bounds.hpp"
#include "tests/support.hpp"

// Every function on every shape, spectrum, scale and dtype against its reference, within what
// rounding can do (rounding_bounds.hpp). Everything is compared in units of the input's scale, an
// exact power of two.
using namespace taut;
using namespace taut::test;
using kernels::Polar;
using kernels::PolarForm;
using kernels::PolarSet;
namespace reference = kernels::reference;

namespace {

constexpr double kLimit = 0.625, kShare = 0.3, kDecay = 0.25;  // of singular values up to 1

at::Tensor times_power(const at::Tensor& x, int exponent) {
  const int half = exponent / 2;
  return x.to(at::kDouble) * std::ldexp(1.0, half) * std::ldexp(1.0, exponent - half);
}

struct Input {
  std::string name;
  at::Tensor x;     // as stored, singular values up to about 2^exponent
  at::Tensor unit;  // x over 2^exponent, exactly
  int exponent = 0;
  std::vector<double> s;  // of unit
  Arithmetic r{};
  double stored_unit = 0;

  double scaled(double value) const { return std::ldexp(value, exponent); }
  // Certified division of a result whose size is `size`.
  double divided(double size, double error) const {
    return division_error(stored_unit, r.m, kLimit, size, error);
  }
};

std::vector<double> over_schatten4(const Input& in) {
  double sum = 0;
  for (const double x : in.s) sum += std::pow(x, 4);
  std::vector<double> s = in.s;
  for (double& x : s) x /= sum > 0 ? std::pow(sum, 0.25) : 1;
  return s;
}

struct Function {
  const char* name;
  std::function<at::Tensor(const Input&)> run, expected;
  std::function<double(const Input&)> allowed;
  int unit = 0;            // 1: the result scales with the input
  bool needs_gap = false;  // below the largest singular value
  double notices = 1e-5;   // errors in double beyond this share
};

Function polar(const char* name, Polar set, PolarForm form) {
  return {name,
          [=](const Input& in) { return kernels::orthogonalize(in.x, set, form); },
          [=](const Input& in) { return reference::orthogonalize(in.unit, set); },
          [=](const Input& in) {
            const auto steps = kernels::polar_steps(set);
            return form == PolarForm::plain ? plain_error(in.r, steps, over_schatten4(in))
                                            : gram_error(in.r, steps, over_schatten4(in));
          },
          0,
          false,
          form == PolarForm::plain ? 1e-5 : 2e-2};
}

kernels::TopPair top_of(const at::Tensor& x) {
  at::Tensor start;
  return kernels::top_singular(x, start, 30);
}

double capped_size(const Input& in) {
  double sum = 0;
  for (const double x : in.s) sum += std::pow(std::min(x, kLimit), 2);
  return std::sqrt(sum);
}

std::vector<Function> polar_functions() {
  return {
      polar("muon5 plain", PolarSet::muon5, PolarForm::plain),
      polar("muon5 gram", PolarSet::muon5, PolarForm::gram),
      polar("modula6 plain", PolarSet::modula6, PolarForm::plain),
      polar("modula6 gram", PolarSet::modula6, PolarForm::gram),
      polar("polar_express plain", PolarSet::polar_express, PolarForm::plain),
      polar("polar_express gram", PolarSet::polar_express, PolarForm::gram),
      {"stiefel", [](const Input& in) { return kernels::stiefel(in.x, kLimit); },
       [](const Input& in) {
         return kLimit * reference::orthogonalize(in.unit, {PolarSet::polar_express, 7});
       },
       [](const Input& in) {
         const auto steps = kernels::polar_steps({PolarSet::polar_express, 7});
         const auto s = over_schatten4(in);
         const double error = std::max(plain_error(in.r, steps, s), gram_error(in.r, steps, s));
         return in.divided(kLimit * std::sqrt(in.r.m), kLimit * error + 2e-8);  // worst output
       },
       0, false, 0.1},
  };
}

std::vector<Function> cap_functions() {
  return {
      {"soft_cap",
       [](const Input& in) {
         return kernels::soft_cap(in.x, std::ldexp(kShare, -2 * in.exponent));
       },
       [](const Input& in) { return reference::soft_cap(in.unit, kShare); },
       [](const Input& in) { return soft_cap_error(in.r, kShare, in.s); }, 1},
      {"hard_cap", [](const Input& in) { return kernels::hard_cap(in.x, in.scaled(kLimit)); },
       [](const Input& in) { return reference::hard_cap(in.unit, kLimit); },
       [](const Input& in) {
         const double error = exact_cap_error({0x1p-53, in.r.m, in.r.n}, kLimit, in.s);
         return in.divided(capped_size(in), error + in.r.u * frobenius(in.s));
       },
       1},
      {"spectral_normalize",
       [](const Input& in) { return kernels::spectral_normalize(in.x, in.scaled(kLimit)); },
       [](const Input& in) { return reference::spectral_normalize(in.unit, kLimit); },
       [](const Input& in) { return in.divided(frobenius(in.s), 0); }, 1},
      {"row_rms_cap",
       [](const Input& in) { return kernels::row_rms_cap(in.x, in.scaled(kLimit / 8)); },
       [](const Input& in) { return reference::row_rms_cap(in.unit, kLimit / 8); },
       [](const Input& in) {  // two margins, and the sum in double
         const double share = 12 * in.stored_unit + gamma(in.r.n + 10, 0x1p-53);
         return share * frobenius(in.s);
       },
       1},
  };
}

std::vector<Function> pair_functions() {
  return {
      {"top_singular", [](const Input& in) { return top_of(in.x).value; },
       [](const Input& in) { return reference::top_value(in.unit).reshape({1}); },
       [](const Input& in) { return gamma(in.r.n + in.r.m + 8, in.r.u) * frobenius(in.s); }, 1,
       true},
      {"spectral_hammer",
       [](const Input& in) {
         return kernels::spectral_hammer(in.x, top_of(in.x), in.scaled(kLimit));
       },
       [](const Input& in) { return reference::spectral_hammer(in.unit, kLimit); },
       [](const Input& in) {
         const double pair = in.s[0] > 0 ? pair_error(in.r, in.s) : 0;
         const double error = (2 * pair + 8 * in.r.u) * (most(in.s) + frobenius(in.s));
         return in.divided(frobenius(in.s), error);
       },
       1, true},
      {"spectral_weight_decay",
       [](const Input& in) { return kernels::spectral_weight_decay(in.x, top_of(in.x), kDecay); },
       [](const Input& in) { return reference::spectral_weight_decay(in.unit, kDecay); },
       [](const Input& in) {
         const double pair = in.s[0] > 0 ? pair_error(in.r, in.s) : 0;
         return (2 * pair + 8 * in.r.u) * (most(in.s) + frobenius(in.s));
       },
       1, true},
  };
}

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

struct Dtype {
  at::ScalarType stored;
  double products, unit;
  std::vector<int> exponents;  // of scale: ordinary, huge, tiny, subnormal
};
const std::vector<Dtype> kDtypes{{at::kDouble, 0x1p-53, 0x1p-53, {0, 400, -400, -1060}},
                                 {at::kFloat, 0x1p-24, 0x1p-24, {0, 60, -60, -140}},
                                 {at::kBFloat16, 0x1p-24, 0x1p-8, {0, 60, -60, -130}}};

Input input(const std::string& name, const at::Tensor& unit, const Dtype& dtype, int exponent) {
  Input in{name, times_power(unit, exponent).to(dtype.stored), {}, exponent, {}, {}, dtype.unit};
  in.unit = times_power(in.x, -exponent);
  const at::Tensor s = at::linalg_svdvals(in.unit);
  in.s.assign(s.const_data_ptr<double>(), s.const_data_ptr<double>() + s.numel());
  const auto rows = static_cast<double>(unit.size(0)), cols = static_cast<double>(unit.size(1));
  in.r = {dtype.products, std::min(rows, cols), std::max(rows, cols)};
  in.name += fmt::format(", {}, 2^{}", toString(dtype.stored), exponent);
  return in;
}

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

std::vector<Function> all_functions() {
  std::vector<Function> all = polar_functions();
  for (const auto& more : {cap_functions(), pair_functions()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
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
