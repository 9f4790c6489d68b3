#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "src/core/core.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(random_test)

BOOST_AUTO_TEST_CASE(counters_and_their_order_matter) {
  std::set<uint64_t> seen;
  for (uint64_t seed : {0u, 1u}) {
    for (uint64_t a = 0; a < 50; ++a) {
      for (uint64_t b = 0; b < 50; ++b) seen.insert(mix(seed, {a, b}));
    }
    seen.insert(mix(seed, {7}));
    seen.insert(mix(seed, {}));
  }
  BOOST_TEST(seen.size() == 2u * (2500 + 2));
}

BOOST_AUTO_TEST_CASE(a_generator_repeats_its_draws_and_leaves_the_global_one_alone) {
  const at::Tensor a = at::rand({8}, make_generator(3));
  const at::Tensor b = at::rand({8}, make_generator(3));
  BOOST_TEST(at::equal(a, b));
  BOOST_TEST(!at::equal(a, at::rand({8}, make_generator(4))));
}

BOOST_AUTO_TEST_SUITE_END()
