#include "kernels/soft_cap.hpp"

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
using kernels::soft_cap;
using kernels::soft_cap_coupling;

namespace {

Real scalar(Real x, Real alpha) {
  const Real y = x - alpha * x * x * x;
  return y + alpha * y * y * y;
}

// RMS of the last row-wise dimension in long double.
Real rms(const at::Tensor& row) {
  const Dense x = exact(row.reshape({1, -1}));
  Real square = 0;
  for (const Real entry : x.entries) square += entry * entry;
  return std::sqrt(square / x.cols);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(soft_cap_test)

BOOST_AUTO_TEST_CASE(acts_on_singular_values_as_its_scalar_polynomial) {
  const uint64_t base = seed();
  for (const auto& [rows, cols] :
       {std::pair(6, 6), std::pair(5, 17), std::pair(17, 5), std::pair(1, 4)}) {
    for (const double alpha : {0.0, 0.02, 0.15, 0.33}) {
      Spectrum spectrum(std::min(rows, cols)), mapped;
      for (size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = 1 - Real(i) / 7;
      for (const Real value : spectrum) mapped.push_back(scalar(value, alpha));
      const at::Tensor got = soft_cap(stored(with_spectrum(rows, cols, spectrum, base)), alpha);
      const at::Tensor expected = stored(with_spectrum(rows, cols, mapped, base));
      BOOST_TEST(largest_difference(got, expected) < 1e-14);
      const at::Tensor single =
          soft_cap(stored(with_spectrum(rows, cols, spectrum, base), at::kFloat), alpha);
      BOOST_TEST(largest_difference(single.to(at::kDouble), expected) < 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(batches_are_their_matrices) {
  const at::Tensor batch = at::randn({2, 3, 8, 5}, make_generator(seed()), at::kDouble) * 0.1;
  const at::Tensor got = soft_cap(batch, 0.2);
  BOOST_REQUIRE(got.sizes() == batch.sizes());
  for (int64_t i = 0; i < 6; ++i) {
    const at::Tensor one = soft_cap(batch[i / 3][i % 3], 0.2);
    BOOST_TEST(largest_difference(got[i / 3][i % 3], one) < 1e-15);
  }
  BOOST_TEST(soft_cap(at::zeros({3, 4}), 0.3).equal(at::zeros({3, 4})));
}

BOOST_AUTO_TEST_CASE(the_coupling_maps_the_largest_step_to_w_max) {
  for (const double w : {0.01, 1.0, 3.0, 80.0}) {
    for (const double c : {0.99933, 1.0, 1.2024}) {
      for (const double wd : {0.0, 0.1}) {
        for (const double share : {1e-9, 1e-4, 0.02, 0.1, 0.2, 0.3}) {
          const double lr = share * w / c;
          if (lr * wd > 1) continue;
          const Real k = w * (1 - Real(lr) * wd) + Real(lr) * c;
          const double alpha = soft_cap_coupling(w, lr, wd, c);
          if (k <= w) {
            BOOST_TEST(alpha == 0.0);
            continue;
          }
          BOOST_TEST(std::fabs(scalar(k, alpha) - w) <= 1e-15L * w);
          for (int i = 0; i <= 1000; ++i) {
            BOOST_REQUIRE(scalar(k * i / 1000, alpha) <= w * (1 + 1e-15L));
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_capped_step_holds_w_max_on_matrices) {
  const double w = 2, lr = 0.3, alpha = soft_cap_coupling(w, lr, 0.05);
  const Real k = w * (1 - lr * 0.05) + lr;
  std::mt19937_64 random(seed());
  for (const Shape shape : kShapes) {
    Spectrum spectrum = spectrum_of(shape, 12, random);
    for (Real& value : spectrum) value *= k;
    const at::Tensor capped = soft_cap(stored(with_spectrum(12, 20, spectrum, random())), alpha);
    BOOST_TEST(largest_singular_value(capped) <= w * (1 + 1e-14L));
    BOOST_TEST(largest_singular_value(capped) >= w * (1 - 1e-14L));
  }
}

BOOST_AUTO_TEST_CASE(published_couplings_are_reproduced) {
  // As the smallest positive root of -k^9 al^4 + 3 k^7 al^3 - 3 k^5 al^2 + k = w, found by others.
  const double alpha = soft_cap_coupling(1, 0.05, 0);
  BOOST_TEST(std::fabs(alpha - 0.1224) < 5e-5);
  BOOST_TEST(std::fabs(soft_cap_coupling(1, 0.1, 0) - 0.1589) < 5e-5);
  BOOST_TEST(std::fabs(soft_cap_coupling(6, 0.2, 0) - 0.002852) < 5e-7);
  BOOST_TEST(std::fabs(soft_cap_coupling(16, 0.05, 0) - 1.272e-4) < 5e-8);
}

// Couplings and caps of a batch at once, each matrix with its own numbers: alphas a little above
// those for one matrix, never below, and the capped values at most w_max.
BOOST_AUTO_TEST_CASE(every_matrix_of_a_batch_has_its_own_coupling) {
  std::mt19937_64 random(seed());
  const std::vector<double> caps{0.02, 1, 3, 50, 1}, shares{1e-6, 0.05, 0.3, 0.1, 0};
  const auto tensor = [](const std::vector<double>& x) { return at::tensor(x, at::kDouble); };
  std::vector<double> rates;
  std::vector<at::Tensor> matrices;
  for (size_t i = 0; i < caps.size(); ++i) {
    rates.push_back(shares[i] * caps[i]);
    Spectrum spectrum = spectrum_of(kShapes[i], 5, random);
    for (Real& value : spectrum) value *= caps[i] * (1 + Real(shares[i]));
    matrices.push_back(stored(with_spectrum(5, 9, spectrum, random())));
  }
  const at::Tensor none = at::zeros({5}, at::kDouble), one = at::ones({5}, at::kDouble);
  const at::Tensor alphas = soft_cap_coupling(tensor(caps), tensor(rates), none, one);
  const at::Tensor batch = at::stack(matrices), capped = soft_cap(batch, alphas);
  const at::Tensor single = soft_cap(batch.to(at::kFloat), alphas);
  for (int64_t i = 0; i < 5; ++i) {
    const double alpha = alphas[i].item<double>();
    const double alone = soft_cap_coupling(caps[i], rates[i], 0);
    BOOST_TEST(alpha >= alone);
    BOOST_TEST(alpha <= alone * (1 + 1e-6));  // growth 1e-6 is known to 2^-51 / 1e-6
    const Real k = caps[i] + Real(rates[i]);
    BOOST_TEST(scalar(k, alpha) <= Real(caps[i]));
    BOOST_TEST(largest_difference(capped[i], soft_cap(batch[i], alpha)) < 1e-14 * caps[i]);
    BOOST_TEST(largest_difference(single[i], capped[i]) < 1e-6 * caps[i]);
    BOOST_TEST(largest_singular_value(capped[i]) <= caps[i] * (1 + 1e-14L));
  }
  const std::vector<double> nonsense{0.31, -1, std::nan(""), INFINITY, 0.31};
  const at::Tensor refused = soft_cap_coupling(one, tensor(nonsense), none, one);
  BOOST_TEST(at::isnan(refused).all().item<bool>());
  BOOST_CHECK_THROW(kernels::cap_certified(soft_cap(batch, refused), 1), Error);
  BOOST_CHECK_THROW(soft_cap(batch, alphas.slice(0, 1)), Error);
  BOOST_CHECK_THROW(soft_cap(batch, alphas.to(at::kFloat)), Error);
  BOOST_CHECK_THROW(soft_cap_coupling(one, one.to(at::kFloat), none, one), Error);
}

BOOST_AUTO_TEST_CASE(steps_beyond_19_62_are_refused_with_value_and_limit) {
  const double limit = 19.0 / 62;
  const double alpha = soft_cap_coupling(1, limit, 0);
  BOOST_TEST(std::fabs(alpha * std::pow(1 + limit, 2) - 1.0 / 3) < 1e-12);
  BOOST_CHECK_EXCEPTION(soft_cap_coupling(1, 0.31, 0), Error, [](const Error& e) {
    const std::string what = e.what();
    return what.find("0.31") != std::string::npos && what.find("19/62") != std::string::npos;
  });
  BOOST_CHECK_THROW(soft_cap_coupling(1, limit * (1 + 1e-12), 0), Error);
  BOOST_CHECK_NO_THROW(soft_cap_coupling(1, 0.31, 0.02));  // decay pays for part of the step
  BOOST_CHECK_THROW(soft_cap_coupling(1, 0.31, 0, 1.2024), Error);
  // Why: with t a little over 1/3 the polynomial exceeds its value at k inside (0, k).
  const Real k = 1, over = 0.36L;
  BOOST_TEST(scalar(k * std::sqrt(1 / (3 * over)), over) > scalar(k, over));
}

BOOST_AUTO_TEST_CASE(nonsense_is_refused) {
  for (const double bad : {std::nan(""), double(INFINITY), -1.0}) {
    BOOST_CHECK_THROW(soft_cap_coupling(bad, 0.1, 0), Error);
    BOOST_CHECK_THROW(soft_cap_coupling(1, bad, 0), Error);
    BOOST_CHECK_THROW(soft_cap_coupling(1, 0.1, bad), Error);
    BOOST_CHECK_THROW(soft_cap_coupling(1, 0.1, 0, bad), Error);
    BOOST_CHECK_THROW(soft_cap(at::ones({2, 2}), bad), Error);
    BOOST_CHECK_THROW(kernels::row_rms_cap(at::ones({2, 2}), bad), Error);
  }
  BOOST_CHECK_THROW(soft_cap_coupling(0, 0.1, 0), Error);
  BOOST_CHECK_THROW(soft_cap_coupling(1, 20, 0.1), Error);
  BOOST_CHECK_THROW(soft_cap(at::ones({2, 2}, at::kHalf), 0.1), Error);
  BOOST_CHECK_THROW(kernels::row_rms_cap(at::full({2, 2}, double(INFINITY)), 1), Error);
  BOOST_CHECK_THROW(kernels::row_rms_cap(at::full({2, 2}, std::nan("")), 1), Error);
}

BOOST_AUTO_TEST_CASE(rows_hold_their_rms_after_rounding) {
  const at::Generator random = make_generator(seed());
  for (const auto dtype : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf, at::kFloat8_e4m3fn}) {
    for (const int64_t d : {1, 7, 64}) {
      at::Tensor table = at::randn({40, d}, random, at::kDouble);
      table[3].zero_();
      table[4].mul_(1e-3);
      const at::Tensor before = table.to(dtype);
      const double cap = 0.7;
      const at::Tensor after = kernels::row_rms_cap(before, cap);
      BOOST_REQUIRE(after.scalar_type() == dtype);
      for (int64_t i = 0; i < 40; ++i) {
        BOOST_TEST(rms(after[i]) <= cap);
        if (rms(before[i]) <= cap * (1 - 1e-12)) {
          BOOST_TEST(after[i].to(at::kDouble).equal(before[i].to(at::kDouble)));
        } else if (dtype == at::kDouble || dtype == at::kFloat) {
          BOOST_TEST(rms(after[i]) >= cap * (1 - 1e-6));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_at_the_ends_of_double_are_capped) {
  const double step = std::numeric_limits<double>::denorm_min();
  at::Tensor table = at::full({2, 3}, 1e300, at::kDouble);
  BOOST_TEST(rms(kernels::row_rms_cap(table, 1)[0]) <= 1);
  BOOST_TEST(rms(kernels::row_rms_cap(table, 1)[0]) >= 1 - 1e-12);
  table = at::full({2, 3}, 3 * step, at::kDouble);
  BOOST_TEST(rms(kernels::row_rms_cap(table, 2 * step)[1]) <= 2 * step);
}

BOOST_AUTO_TEST_SUITE_END()
