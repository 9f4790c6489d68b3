#include <ATen/ATen.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "src/data/data.hpp"
#include "tests/support.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(order_test)

BOOST_AUTO_TEST_CASE(every_epoch_is_a_permutation_and_no_two_are_alike) {
  constexpr int64_t kSize = 37;
  data::Order order(kSize, test::seed());
  at::Tensor before;
  for (int64_t epoch = 0; epoch < 5; ++epoch) {
    const at::Tensor now = order.next(epoch * kSize, kSize);
    BOOST_TEST(at::equal(std::get<0>(now.sort()), at::arange(kSize)));
    if (before.defined()) BOOST_TEST(!at::equal(now, before));
    before = now;
  }
}

BOOST_AUTO_TEST_CASE(the_sequence_does_not_depend_on_how_it_is_cut) {
  constexpr int64_t kSize = 10, kTotal = 73;
  const uint64_t seed = test::seed();
  const at::Tensor whole = data::Order(kSize, seed).next(0, kTotal);
  BOOST_TEST(whole.size(0) == kTotal);
  data::Order order(kSize, seed);
  for (int64_t cursor = 0, step = 1; cursor < kTotal; cursor += step, step = step % 13 + 1) {
    step = std::min(step, kTotal - cursor);
    BOOST_TEST(at::equal(order.next(cursor, step), whole.narrow(0, cursor, step)));
  }
  // A fresh object resumes anywhere, and backwards.
  for (int64_t cursor = kTotal - 1; cursor >= 0; --cursor) {
    data::Order fresh(kSize, seed);
    BOOST_TEST(
        at::equal(fresh.next(cursor, kTotal - cursor), whole.narrow(0, cursor, kTotal - cursor)));
    BOOST_TEST(at::equal(order.next(cursor, 1), whole.narrow(0, cursor, 1)));
  }
}

BOOST_AUTO_TEST_CASE(seeds_differ) {
  const uint64_t seed = test::seed();
  BOOST_TEST(!at::equal(data::Order(50, seed).next(0, 50), data::Order(50, seed + 1).next(0, 50)));
}

BOOST_AUTO_TEST_CASE(a_single_example_and_a_bad_request) {
  data::Order one(1, 0);
  BOOST_TEST(at::equal(one.next(5, 3), at::zeros({3}, at::kLong)));
  BOOST_CHECK_THROW(data::Order(0, 1), Error);
  BOOST_CHECK_THROW(one.next(-1, 1), Error);
  BOOST_CHECK_THROW(one.next(0, 0), Error);
}

BOOST_AUTO_TEST_SUITE_END()
