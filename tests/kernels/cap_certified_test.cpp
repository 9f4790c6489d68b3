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
using kernels::cap_certified;
using kernels::certified_sigma_max;

BOOST_AUTO_TEST_SUITE(cap_certified_test)

BOOST_AUTO_TEST_CASE(random_draws_hold_the_limit_and_little_is_lost) {
  std::mt19937_64 random(seed());
  for (const auto& [dtype, unit] :
       {std::pair(at::kDouble, 1e-9), std::pair(at::kFloat, 0x1p-24),
        std::pair(at::kBFloat16, 0x1p-8), std::pair(at::kHalf, 0x1p-11)}) {
    for (int draw = 0; draw < 10; ++draw) {
      const int64_t rows = 1 + random() % 40, cols = 1 + random() % 40;
      const at::Tensor before = at::randn({2, rows, cols}, make_generator(random())).to(dtype);
      const double limit = 0.01 + static_cast<double>(random() % 100) / 200;
      const at::Tensor after = cap_certified(before, limit);
      BOOST_REQUIRE(after.sizes() == before.sizes());
      BOOST_REQUIRE(after.scalar_type() == dtype);
      for (int64_t i = 0; i < 2; ++i) {
        const Real sigma = largest_singular_value(after[i]);
        BOOST_TEST(sigma <= limit);
        if (after[i].equal(before[i])) continue;
        const Real loss = 8 * std::sqrt(Real(std::min(rows, cols))) * unit;
        BOOST_TEST(sigma >= limit * (1 - loss));
      }
      BOOST_TEST(certified_sigma_max(after) <= limit * (1 + 1e-9));
      BOOST_TEST(cap_certified(after, limit).equal(after));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_orthogonal_bf16_matrix_holds_one) {
  const at::Tensor normal = at::randn({512, 512}, make_generator(seed()));
  const at::Tensor q = std::get<0>(at::linalg_qr(normal)).to(at::kBFloat16);
  BOOST_TEST(certified_sigma_max(q) > 1.0);  // rounding alone pushed it over
  const at::Tensor capped = cap_certified(q, 1);
  BOOST_TEST(certified_sigma_max(capped) <= 1.0);
  BOOST_TEST(certified_sigma_max(capped) > 0.7);
}

BOOST_AUTO_TEST_CASE(matrices_that_hold_the_limit_keep_every_bit) {
  at::Tensor batch = at::randn({4, 16, 16}, make_generator(seed()));
  batch[2].mul_(100);
  const double limit = 20;
  const at::Tensor capped = cap_certified(batch, limit);
  for (const int64_t i : {0, 1, 3}) BOOST_TEST(capped[i].equal(batch[i]));
  BOOST_TEST(!capped[2].equal(batch[2]));
  BOOST_TEST(cap_certified(capped, limit).is_same(capped));
  BOOST_TEST(certified_sigma_max(batch) > 100);  // the argument was not written to
}

BOOST_AUTO_TEST_CASE(zero_stays_zero_and_the_smallest_dtypes_get_there) {
  const at::Tensor zero = at::zeros({3, 5, 4});
  BOOST_TEST(cap_certified(zero, 1e-30).equal(zero));
  // A single subnormal: dividing by a little more than 1 rounds back to itself until the margin
  // grows.
  const double step = std::numeric_limits<float>::denorm_min();
  const at::Tensor tiny = at::full({1, 1}, step);
  BOOST_TEST(certified_sigma_max(cap_certified(tiny, 0.9 * step)) == 0.0);
  const at::Tensor eighths = at::full({3, 3}, 1.75).to(at::kFloat8_e4m3fn);
  BOOST_TEST(certified_sigma_max(cap_certified(eighths, 1)) <= 1.0);
}

BOOST_AUTO_TEST_CASE(nonsense_is_refused) {
  at::Tensor matrix = at::ones({2, 2});
  for (const double limit : {0.0, -1.0, std::nan(""), double(INFINITY)}) {
    BOOST_CHECK_THROW(cap_certified(matrix, limit), Error);
  }
  matrix[0][1] = std::nan("");
  BOOST_CHECK_THROW(cap_certified(matrix, 1), Error);
}

BOOST_AUTO_TEST_SUITE_END()
