#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/report/report.hpp"
#include "tests/report/samples.hpp"

using namespace taut::report;
using namespace taut::report::test;

BOOST_AUTO_TEST_SUITE(rounding_test)

// Every figure lies where rounding to nearest, or to the other side, would show something else.
BOOST_AUTO_TEST_CASE(cells_are_rounded_to_their_safe_side) {
  RunReport run;
  run.name = "a";
  const std::vector<bool> right{true, true, true};
  set_certificate(run, kPixels, right, {2.0 / 3, 2.0 / 3, 0.1}, 1.00001);
  run.certificate->threats[0].radius_deployed = at::tensor({0.59999, 0.59999, 0.05}, at::kDouble);
  add_attack(run, kPixels, right, {1.00001, 0.80001, 0.7});
  const Table table = summary_table(compare({run}), sized({0.5, 0.9}));
  BOOST_TEST(cell(table, "K: l2, pixels in [0, 1] -> l2, last hidden token") == "1.001");
  BOOST_TEST(cell(table, "median certified radius") == "0.6666");
  BOOST_TEST(cell(table, "median certified radius, fp32 program") == "0.5999");
  BOOST_TEST(cell(table, "median attack radius") == "0.8001");
  BOOST_TEST(cell(table, "largest certified / attack radius") == "0.8334");  // .66667 / .80001
  BOOST_TEST(cell(table, "accuracy certified at 0.5") == "66.6 %");
  BOOST_TEST(cell(table, "accuracy under attack at 0.9") == "33.4 %");
}

// The fp32 row is left out where it repeats the one above it: here it does not.
BOOST_AUTO_TEST_CASE(fp32_accuracy_is_rounded_down) {
  RunReport run;
  run.name = "a";
  set_certificate(run, kPixels, {true, true, true}, {1, 1, 1});
  run.certificate->threats[0].radius_deployed = at::tensor({0.6, 0.6, 0.1}, at::kDouble);
  const Table table = summary_table(compare({run}), sized({0.5}));
  BOOST_TEST(cell(table, "accuracy certified at 0.5") == "100.0 %");
  BOOST_TEST(cell(table, "accuracy certified at 0.5, fp32 program") == "66.6 %");
}

BOOST_AUTO_TEST_SUITE_END()
