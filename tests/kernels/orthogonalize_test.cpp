#include "kernels/orthogonalize.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "kernels/certified_sigma.hpp"
#include "kernels/polar_sets.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using kernels::orthogonalize;
using kernels::Polar;
using kernels::PolarForm;
using kernels::PolarSet;
using kernels::worst_output;

namespace {

constexpr PolarSet kSets[] = {PolarSet::muon5, PolarSet::modula6, PolarSet::polar_express};
constexpr PolarForm kForms[] = {PolarForm::plain, PolarForm::gram};

Real scalar(Polar polar, Real x) {
  for (const kernels::Quintic& step : kernels::polar_steps(polar)) {
    const Real s = x * x;
    x *= step.a + s * (step.b + s * step.c);
  }
  return x;
}

// The largest |scalar - 1| on [low, 1]: how far the set stays from the polar factor there.
Real distance_to_one(PolarSet set, Real low) {
  Real most = 0;
  for (int i = 0; i <= 100000; ++i) {
    most = std::max(most, std::fabs(scalar(set, low + (1 - low) * i / 100000) - 1));
  }
  return most;
}

Real schatten4(const Spectrum& spectrum) {
  Real sum = 0;
  for (const Real value : spectrum) sum += value * value * value * value;
  return std::sqrt(std::sqrt(sum));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(orthogonalize_test)

// The published integers of modula6: a wrong digit in a middle step leaves the worst output alone.
BOOST_AUTO_TEST_CASE(the_steps_of_modula6_are_the_published_ones) {
  const int published[6][3] = {{3955, -8306, 5008}, {3735, -6681, 3463}, {3799, -6499, 3211},
                               {4019, -6385, 2906}, {2677, -3029, 1162}, {2172, -1833, 682}};
  const auto& steps = kernels::polar_steps(kernels::PolarSet::modula6);
  BOOST_TEST_REQUIRE(steps.size() == 6u);
  for (size_t i = 0; i < 6; ++i) {
    BOOST_TEST(steps[i].a * 1024 == published[i][0]);
    BOOST_TEST(steps[i].b * 1024 == published[i][1]);
    BOOST_TEST(steps[i].c * 1024 == published[i][2]);
  }
}

BOOST_AUTO_TEST_CASE(worst_outputs_are_those_of_the_literature) {
  BOOST_TEST(std::fabs(worst_output(PolarSet::muon5) - 1.2024) < 5e-5);
  BOOST_TEST(std::fabs(worst_output(PolarSet::modula6) - 0.99933) < 5e-6);
  const auto express = [](int steps) { return worst_output({PolarSet::polar_express, steps}); };
  BOOST_TEST(std::fabs(express(4) - 1.5604) < 5e-5);
  BOOST_TEST(std::fabs(express(5) - 1.1236) < 5e-5);
  BOOST_TEST(std::fabs(express(6) - 1.0012) < 5e-5);
  BOOST_TEST(std::fabs(express(7) - 1.00000001) < 1e-8);
  BOOST_TEST(express(0) == express(6));
  for (const PolarSet set : kSets) {
    Real most = 0;
    for (int i = 0; i <= 1000000; ++i) most = std::max(most, std::fabs(scalar(set, i / 1e6L)));
    BOOST_TEST(most <= worst_output(set) * (1 + 1e-12));
    BOOST_TEST(most >= worst_output(set) * (1 - 1e-4));
  }
}

BOOST_AUTO_TEST_CASE(names_are_known_and_unknown_ones_list_them) {
  BOOST_CHECK(kernels::parse_polar_set("muon5") == PolarSet::muon5);
  BOOST_CHECK(kernels::parse_polar_set("modula6") == PolarSet::modula6);
  BOOST_CHECK(kernels::parse_polar_set("polar_express") == PolarSet::polar_express);
  BOOST_CHECK_EXCEPTION(kernels::parse_polar_set("modula5"), Error, [](const Error& e) {
    const std::string what = e.what();
    return what.find("modula6") != std::string::npos &&
           what.find("polar_express") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(acts_on_singular_values_as_its_scalar_polynomial) {
  const uint64_t base = seed();
  for (const PolarSet set : kSets) {
    for (const auto& [rows, cols] : {std::pair(8, 8), std::pair(5, 19), std::pair(19, 5)}) {
      Spectrum spectrum(std::min(rows, cols)), mapped;
      for (size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = 3 * std::exp(-Real(i) / 3);
      const Real norm = schatten4(spectrum);
      for (const Real value : spectrum) mapped.push_back(scalar(set, value / norm));
      const at::Tensor expected = stored(with_spectrum(rows, cols, mapped, base));
      for (const PolarForm form : kForms) {
        const at::Tensor got =
            orthogonalize(stored(with_spectrum(rows, cols, spectrum, base)), set, form);
        // The norm is rounded up by 1e-9; the steepest composition multiplies that by less than
        // 100.
        BOOST_TEST((got - expected).abs().max().item<double>() < 1e-7);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(comes_as_close_to_the_polar_factor_as_the_set_allows) {
  const uint64_t base = seed();
  std::mt19937_64 random(base);
  for (const PolarSet set : kSets) {
    for (const Shape shape : {Shape::flat, Shape::nearly_flat}) {
      const Spectrum spectrum = spectrum_of(shape, 16, random);
      const at::Tensor x = stored(with_spectrum(16, 24, spectrum, base));
      const at::Tensor polar = stored(with_spectrum(16, 24, Spectrum(16, 1), base));
      const Real low = Real(0.95) / schatten4(spectrum) * (1 - 1e-6L);
      for (const PolarForm form : kForms) {
        for (const auto dtype : {at::kDouble, at::kFloat}) {
          const at::Tensor error = orthogonalize(x.to(dtype), set, form).to(at::kDouble) - polar;
          const Real allowed = distance_to_one(set, low) + (dtype == at::kDouble ? 1e-7L : 1e-4L);
          BOOST_TEST(largest_singular_value(error) <= allowed);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(no_output_exceeds_the_worst_one) {
  std::mt19937_64 random(seed());
  for (const PolarSet set : kSets) {
    for (int draw = 0; draw < 24; ++draw) {
      const int64_t rows = 1 + random() % 24, cols = 1 + random() % 60;
      const Spectrum spectrum = spectrum_of(kShapes[draw % 6], std::min(rows, cols), random);
      const at::Tensor x = stored(with_spectrum(rows, cols, spectrum, random()));
      for (const auto dtype : {at::kDouble, at::kFloat}) {
        const double slack = dtype == at::kDouble ? 1e-9 : 1e-4;
        for (const PolarForm form : kForms) {
          const Real got = largest_singular_value(orthogonalize(x.to(dtype), set, form));
          BOOST_TEST(got <= worst_output(set) * (1 + slack));
        }
      }
    }
  }
}

// Rounding leaves the Gram matrix of these with eigenvalues below zero, which steps on it alone
// would blow up; and the short side has more than one tile.
BOOST_AUTO_TEST_CASE(the_gram_form_survives_ranks_that_are_missing) {
  at::Generator generator = make_generator(seed());
  const auto basis = [&](int64_t rows, int64_t cols) {
    return std::get<0>(at::linalg_qr(at::randn({rows, cols}, generator, at::kDouble)));
  };
  const int64_t side = 400, length = 900, rank = 200;
  const at::Tensor polar = at::matmul(basis(side, rank), basis(length, rank).t());
  for (const PolarSet set : kSets) {
    for (const auto dtype : {at::kDouble, at::kFloat}) {
      const at::Tensor x = polar.to(dtype);
      const at::Tensor plain = orthogonalize(x, set, PolarForm::plain);
      const at::Tensor gram = orthogonalize(x, set, PolarForm::gram);
      const double difference = at::linalg_matrix_norm(gram - plain, 2).item<double>();
      BOOST_TEST(difference < (dtype == at::kDouble ? 1e-9 : 1e-3));
    }
  }
}

BOOST_AUTO_TEST_CASE(sign_of_symmetric_matrices) {
  at::Generator generator = make_generator(seed());
  for (const int64_t side : {1, 2, 7, 250, 400}) {
    const at::Tensor u =
        std::get<0>(at::linalg_qr(at::randn({side, side}, generator, at::kDouble)));
    at::Tensor values = at::rand({side}, generator, at::kDouble) + 0.1;
    values = values * at::randn({side}, generator, at::kDouble).sign();
    const at::Tensor x = at::matmul(u * values, u.t()),
                     expected = at::matmul(u * values.sign(), u.t());
    for (const auto dtype : {at::kDouble, at::kFloat}) {
      const at::Tensor got = kernels::sign_symmetric(x.to(dtype), {PolarSet::polar_express, 9});
      BOOST_TEST((got.to(at::kDouble) - expected).abs().max().item<double>() <
                 (dtype == at::kDouble ? 1e-9 : 1e-4));
    }
  }
  BOOST_CHECK_THROW(kernels::sign_symmetric(at::ones({2, 3})), Error);
  BOOST_TEST(kernels::sign_symmetric(at::zeros({3, 3})).equal(at::zeros({3, 3})));
}

// The second call of a step finds its storage where the first left it.
BOOST_AUTO_TEST_CASE(a_workspace_holds_what_a_call_needs) {
  kernels::Workspace workspace;
  const at::Tensor x = at::randn({3, 20, 50}, make_generator(seed()));
  for (const PolarForm form : kForms) {
    const at::Tensor first = orthogonalize(x, {}, form, &workspace);
    const at::Tensor kept = first.clone();
    const at::Tensor second = orthogonalize(2 * x, {}, form, &workspace);
    BOOST_TEST(first.data_ptr() == second.data_ptr());
    BOOST_TEST((second - kept).abs().max().item<double>() < 1e-5);
    BOOST_TEST(orthogonalize(x, {}, form).equal(kept));
  }
}

BOOST_AUTO_TEST_CASE(steps_that_a_set_does_not_have_are_refused) {
  BOOST_CHECK_THROW(worst_output({PolarSet::modula6, 5}), Error);
  BOOST_CHECK_THROW(worst_output({PolarSet::muon5, -1}), Error);
  BOOST_CHECK_THROW(worst_output({PolarSet::polar_express, 1000}), Error);
}

BOOST_AUTO_TEST_CASE(scale_batches_and_zeros_do_not_matter) {
  const at::Tensor batch = at::randn({2, 2, 9, 6}, make_generator(seed()));
  batch[1][0].zero_();
  for (const PolarSet set : kSets) {
    const at::Tensor out = orthogonalize(batch, set);
    BOOST_REQUIRE(out.sizes() == batch.sizes());
    BOOST_TEST(out[1][0].equal(at::zeros({9, 6})));
    const at::Tensor one = orthogonalize(batch[0][1], set);
    BOOST_TEST((out[0][1] - one).abs().max().item<double>() < 1e-5);
    for (const double scale : {1e-38, 1e-30, 1e30, 1e37}) {
      const at::Tensor scaled = orthogonalize(batch * scale, set);
      BOOST_TEST((scaled - out).abs().max().item<double>() < 1e-4);
    }
  }
  BOOST_TEST(orthogonalize(at::zeros({0, 3, 4})).numel() == 0);
}

BOOST_AUTO_TEST_CASE(nan_infinity_and_other_dtypes_are_refused) {
  for (const double bad : {std::nan(""), double(INFINITY), -double(INFINITY)}) {
    at::Tensor x = at::ones({2, 3, 3});
    x[0][1][1] = bad;
    BOOST_CHECK_THROW(orthogonalize(x), Error);
  }
  BOOST_CHECK_THROW(orthogonalize(at::ones({2, 2}, at::kHalf)), Error);
  BOOST_CHECK_THROW(orthogonalize(at::ones({4})), Error);
}

BOOST_AUTO_TEST_SUITE_END()
