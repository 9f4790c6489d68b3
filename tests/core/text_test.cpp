#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(text_test)

BOOST_AUTO_TEST_CASE(sizes_take_decimals_and_fractions) {
  BOOST_TEST(parse_size("0.5") == 0.5);
  BOOST_TEST(parse_size("1e-3") == 1e-3);
  BOOST_TEST(parse_size("36/255") == 36.0 / 255.0);
  BOOST_TEST(parse_size("0") == 0.0);
}

BOOST_AUTO_TEST_CASE(sizes_refuse_everything_else) {
  for (const char* bad :
       {"", "-1", "nan", "inf", "1/0", "/2", "1/", "1/2/3", "0x1", "1 ", "eight"}) {
    BOOST_CHECK_THROW(parse_size(bad), Error);
  }
}

BOOST_AUTO_TEST_CASE(the_nearest_name_is_the_likely_one) {
  BOOST_TEST(nearest("weigth_decay", {"width", "weight_decay", "heads"}) == "weight_decay");
  BOOST_TEST(nearest("x", {}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
