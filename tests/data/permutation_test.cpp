#include "src/data/permutation.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

#include "src/core/core.hpp"
#include "src/data/data.hpp"
#include "tests/support.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(permutation_test)

BOOST_AUTO_TEST_CASE(every_number_is_met_once_whatever_the_size) {
  const uint64_t key = test::seed();
  for (const int64_t size : {1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000, 4097, 100003}) {
    std::vector<bool> met(static_cast<size_t>(size));
    for (int64_t i = 0; i < size; ++i) {
      const int64_t to = data::permuted(i, size, key);
      BOOST_TEST_REQUIRE((to >= 0 && to < size));
      BOOST_TEST_REQUIRE(!met[static_cast<size_t>(to)]);
      met[static_cast<size_t>(to)] = true;
    }
  }
}

// Mean displacement of a random permutation is a third of its size; two agree in about one place.
BOOST_AUTO_TEST_CASE(it_looks_random_and_keys_differ) {
  constexpr int64_t kSize = 50000;
  const uint64_t key = test::seed();
  double moved = 0;
  int64_t agreeing = 0, rising = 0;
  for (int64_t i = 0; i < kSize; ++i) {
    const int64_t to = data::permuted(i, kSize, key);
    moved += std::abs(static_cast<double>(to - i)) / kSize;
    agreeing += to == data::permuted(i, kSize, key + 1) ? 1 : 0;
    rising += i > 0 && to > data::permuted(i - 1, kSize, key) ? 1 : 0;
  }
  BOOST_TEST(std::abs(moved / kSize - 1.0 / 3) < 0.01);
  BOOST_TEST(agreeing < 12);
  BOOST_TEST(std::abs(static_cast<double>(rising) / kSize - 0.5) < 0.02);
}

BOOST_AUTO_TEST_CASE(an_index_outside_is_refused) {
  BOOST_CHECK_THROW(data::permuted(5, 5, 1), Error);
  BOOST_CHECK_THROW(data::permuted(-1, 5, 1), Error);
  BOOST_CHECK_THROW(data::permuted(0, 0, 1), Error);
}

// 5e9 examples would be a list of 40 GB.
BOOST_AUTO_TEST_CASE(the_order_of_billions_of_examples_needs_no_list_and_resumes_anywhere) {
  constexpr int64_t kSize = 5000000000;
  const uint64_t seed = test::seed();
  data::Order order(kSize, seed);
  const at::Tensor first = order.next(0, 1000);
  BOOST_TEST(std::get<0>(at::_unique(first)).size(0) == 1000);
  BOOST_TEST((first.min().item<int64_t>() >= 0 && first.max().item<int64_t>() < kSize));
  BOOST_TEST(first.max().item<int64_t>() > kSize / 2);
  BOOST_TEST(at::equal(data::Order(kSize, seed).next(600, 400), first.narrow(0, 600, 400)));
  // Across the end of an epoch, and a new permutation after it.
  const at::Tensor across = order.next(kSize - 3, 6);
  BOOST_TEST(at::equal(across.narrow(0, 3, 3), order.next(kSize, 3)));
  BOOST_TEST(!at::equal(order.next(kSize, 3), first.narrow(0, 0, 3)));
}

BOOST_AUTO_TEST_SUITE_END()
