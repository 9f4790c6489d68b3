#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "src/train/schedule.hpp"

using namespace taut;
using train::margin_share;
using train::rate_multiplier;

BOOST_AUTO_TEST_SUITE(schedule_test)

BOOST_AUTO_TEST_CASE(linear_decay_has_closed_values) {
  BOOST_TEST(rate_multiplier("linear", 0, 100, 0) == 1.0);
  BOOST_TEST(rate_multiplier("linear", 25, 100, 0) == 0.75);
  BOOST_TEST(rate_multiplier("linear", 99, 100, 0) == 1 - 99 / 100.0);
  BOOST_TEST(rate_multiplier("linear", 100, 100, 0) == 0.0);
}

BOOST_AUTO_TEST_CASE(cosine_decay_has_closed_values) {
  const auto near = boost::test_tools::tolerance(1e-12);
  BOOST_TEST(rate_multiplier("cosine", 0, 120, 0) == 1.0);
  BOOST_TEST(rate_multiplier("cosine", 40, 120, 0) == 0.75, near);
  BOOST_TEST(rate_multiplier("cosine", 60, 120, 0) == 0.5, near);
  BOOST_TEST(rate_multiplier("cosine", 80, 120, 0) == 0.25, near);
  BOOST_TEST(rate_multiplier("cosine", 119, 120, 0) > 0);
  BOOST_TEST(rate_multiplier("cosine", 120, 120, 0) < 1e-15);
}

BOOST_AUTO_TEST_CASE(warm_up_rises_to_one_and_meets_the_decay) {
  BOOST_TEST(rate_multiplier("linear", 0, 100, 0.1) == 1 / 11.0);
  BOOST_TEST(rate_multiplier("linear", 9, 100, 0.1) == 10 / 11.0);
  BOOST_TEST(rate_multiplier("linear", 10, 100, 0.1) == 1.0);
  BOOST_TEST(rate_multiplier("linear", 55, 100, 0.1) == 0.5);
  for (const char* name : {"linear", "cosine"}) {
    for (int64_t step = 0; step < 100; ++step) {
      const double rate = rate_multiplier(name, step, 100, 0.3);
      BOOST_TEST(rate > 0);
      BOOST_TEST(rate <= 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_constant_rate_only_warms_up) {
  BOOST_TEST(rate_multiplier("constant", 9, 100, 0.1) == 10 / 11.0);
  for (const int64_t step : {10, 50, 99}) {
    BOOST_TEST(rate_multiplier("constant", step, 100, 0.1) == 1.0);
  }
}

BOOST_AUTO_TEST_CASE(one_step_is_a_full_step) {
  BOOST_TEST(rate_multiplier("linear", 0, 1, 0) == 1.0);
  BOOST_TEST(rate_multiplier("cosine", 0, 1, 0.9) == 1.0);
}

BOOST_AUTO_TEST_CASE(an_unknown_schedule_is_an_error) {
  BOOST_CHECK_THROW(rate_multiplier("step", 5, 10, 0), Error);
}

BOOST_AUTO_TEST_CASE(momentum_rises_on_a_line) {
  const auto near = boost::test_tools::tolerance(1e-12);
  BOOST_TEST(train::momentum_at(0.85, 0.95, 0.5, 0, 40) == 0.85);
  BOOST_TEST(train::momentum_at(0.85, 0.95, 0.5, 5, 40) == 0.875, near);
  BOOST_TEST(train::momentum_at(0.85, 0.95, 0.5, 20, 40) == 0.95);
  BOOST_TEST(train::momentum_at(0.85, 0.95, 0.5, 39, 40) == 0.95);
  BOOST_TEST(train::momentum_at(0, 0.95, 0, 0, 40) == 0.95);
}

BOOST_AUTO_TEST_CASE(the_margin_is_full_after_a_third) {
  BOOST_TEST(margin_share(0, 300) == 0.0);
  BOOST_TEST(margin_share(50, 300) == 0.5);
  BOOST_TEST(margin_share(100, 300) == 1.0);
  BOOST_TEST(margin_share(299, 300) == 1.0);
}

BOOST_AUTO_TEST_SUITE_END()
