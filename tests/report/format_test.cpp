#include "src/report/format.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "tests/support.hpp"

using namespace taut::report;

BOOST_AUTO_TEST_SUITE(format_test)

BOOST_AUTO_TEST_CASE(numbers_are_short) {
  BOOST_TEST(number(0.25) == "0.25");
  BOOST_TEST(number(1.0 / 3) == "0.3333");
  BOOST_TEST(number(2.0 / 3) == "0.6667");
  BOOST_TEST(number(1e-7) == "1e-07");
  BOOST_TEST(number(0) == "0");
  BOOST_TEST(number(std::numeric_limits<double>::infinity()) == "inf");
  BOOST_TEST(number(std::nan("")) == "nan");
  BOOST_TEST(grouped(1234567) == "1,234,567");
  BOOST_TEST(grouped(123) == "123");
  BOOST_TEST(grouped(-1234) == "-1,234");
}

BOOST_AUTO_TEST_CASE(bounds_are_rounded_to_their_safe_side) {
  BOOST_TEST(number(2.0 / 3, Round::down) == "0.6666");
  BOOST_TEST(number(1.0 / 3, Round::up) == "0.3334");
  BOOST_TEST(number(1.00001, Round::up) == "1.001");
  BOOST_TEST(number(0.99999, Round::down) == "0.9999");
  BOOST_TEST(number(-0.013228, Round::up) == "-0.01322");
  BOOST_TEST(number(0.5, Round::up) == "0.5");
  std::mt19937_64 draw(taut::test::seed());
  std::uniform_real_distribution<double> exponent(-290, 290), sign(-1, 1);
  for (int i = 0; i < 20000; ++i) {
    const double value = std::copysign(std::pow(10.0, exponent(draw)), sign(draw));
    const double down = std::strtod(number(value, Round::down, 1 + i % 8).c_str(), nullptr);
    const double up = std::strtod(number(value, Round::up, 1 + i % 8).c_str(), nullptr);
    BOOST_REQUIRE_LE(down, value);
    BOOST_REQUIRE_GE(up, value);
    BOOST_REQUIRE_LE(up - down, 1.01 * std::pow(10.0, -(i % 8)) * std::fabs(value) * 1.5);
  }
}

BOOST_AUTO_TEST_CASE(shares_are_rounded_on_integers) {
  BOOST_TEST(percent(29, 100, Round::down) == "29.0 %");
  BOOST_TEST(percent(2, 3, Round::down) == "66.6 %");
  BOOST_TEST(percent(2, 3, Round::nearest) == "66.7 %");
  BOOST_TEST(percent(1, 3, Round::up) == "33.4 %");
  BOOST_TEST(percent(9999, 10000, Round::down) == "99.9 %");
  BOOST_TEST(percent(1, 10000, Round::up) == "0.1 %");
  BOOST_TEST(percent(7, 7, Round::up) == "100.0 %");
  BOOST_TEST(percent(0, 0) == "no rows");
}

BOOST_AUTO_TEST_CASE(exact_text_reads_back) {
  for (const double value : {0.1, 1.0 / 3, 1e300, 5e-324}) {
    BOOST_TEST(std::strtod(exact(value).c_str(), nullptr) == value);
  }
  BOOST_TEST(exact(std::numeric_limits<double>::infinity()) == "inf");
  BOOST_TEST(exact(-std::nan("")) == "nan");
}

BOOST_AUTO_TEST_CASE(every_format_escapes_its_own_marks) {
  const std::string hostile = "<b>&\"'|`[x](y)\n\x1b[31m";
  BOOST_TEST(html_text(hostile) == "&lt;b&gt;&amp;&quot;&#39;|`[x](y)  [31m");
  BOOST_TEST(markdown_text(hostile) == "&lt;b&gt;&amp;\"'\\|\\`\\[x\\](y)  \\[31m");
  BOOST_TEST(plain_text(hostile) == "<b>&\"'|`[x](y)  [31m");
  BOOST_TEST(gnuplot_text(hostile) == "‹b›&\"''|`[x](y)  [31m");
}

BOOST_AUTO_TEST_CASE(csv_fields_follow_rfc_4180) {
  BOOST_TEST(csv_field("plain") == "plain");
  BOOST_TEST(csv_field("a,b") == "\"a,b\"");
  BOOST_TEST(csv_field("say \"no\"") == "\"say \"\"no\"\"\"");
  BOOST_TEST(csv_field("two\nlines") == "\"two\nlines\"");
  BOOST_TEST(csv_field("cr\r") == "\"cr\r\"");
}

BOOST_AUTO_TEST_CASE(long_names_keep_their_end_and_whole_characters) {
  BOOST_TEST(shortened("runs/a", 6) == "runs/a");
  BOOST_TEST(shortened("runs/abc", 3) == "…abc");
  BOOST_TEST(shortened("äöüß", 2) == "…üß");
  BOOST_TEST(columns("äöüß") == 4u);
}

BOOST_AUTO_TEST_SUITE_END()
