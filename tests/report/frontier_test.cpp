#include "src/report/frontier.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/report/samples.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::report;
using namespace taut::report::test;

namespace {

FrontierPoint point(const std::string& name, int64_t right, double log10_constant,
                    const std::string& method = "m") {
  FrontierPoint p;
  p.name = name;
  p.method = method;
  p.accuracy = {right, 10};
  p.certified = {right / 2, 10};
  p.log10_constant = log10_constant;
  p.constant = std::pow(10.0, log10_constant);
  return p;
}

std::string front_of(std::vector<FrontierPoint> points) {
  mark_front(points);
  std::string names;
  for (const FrontierPoint& p : points) names += p.front ? p.name : "";
  return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frontier_test)

BOOST_AUTO_TEST_CASE(the_front_holds_what_no_other_run_beats) {
  // b has a's accuracy at a larger bound, d less accuracy than c at a larger bound.
  BOOST_TEST(front_of({point("a", 5, 0), point("b", 5, 1), point("c", 8, 2), point("d", 7, 3),
                       point("e", 9, 4)}) == "ace");
  BOOST_TEST(front_of({point("a", 5, 1), point("b", 5, 1), point("c", 4, 1)}) == "ab");
  BOOST_TEST(front_of({point("a", 5, -kInf), point("b", 5, 0)}) == "a");
  BOOST_TEST(front_of({point("a", 9, kInf), point("b", 1, 0)}) == "b");
  BOOST_TEST(front_of({point("a", 9, kInf)}) == "");
  // 2/3 of other rows is as good as 6/9.
  FrontierPoint thirds = point("t", 0, 1);
  thirds.accuracy = {2, 3};
  FrontierPoint ninths = point("n", 0, 2);
  ninths.accuracy = {6, 9};
  BOOST_TEST(front_of({thirds, ninths}) == "t");
}

BOOST_AUTO_TEST_CASE(figures_are_those_of_the_certificate_rounded_outward) {
  RunReport run;
  run.name = "a";
  set_certificate(run, kPixels, {true, true, true, false}, {0.1, 0.2, 0.3, 0.4}, 2.00001);
  const Comparison alone = compare({run});
  FrontierPoint p = frontier_point("a", "muon + soft_cap", alone.results[0][0], 0.2);
  BOOST_TEST(p.accuracy.count == 3);
  BOOST_TEST(p.accuracy.rows == 4);
  BOOST_TEST(p.certified.count == 1);  // a radius of 0.2 proves nothing at 0.2
  BOOST_TEST(p.constant == 2.00001);
  const Frontier frontier{kPixels, 0.1, {p}};
  const auto row = frontier_table(frontier).rows.at(0);
  BOOST_TEST(row[2] == "75.0 %");
  BOOST_TEST(row[3] == "25.0 %");
  BOOST_TEST(row[4] == "0.3011");  // of 0.30103...
  BOOST_TEST(row[5] == "2.001");
  // What is asked for is never more than what is looked up.
  for (const double relative : {0.003, 0.1, 1e-300}) {
    BOOST_TEST(absolute_size(relative, std::sqrt(3072.0)) > relative * std::sqrt(3072.0));
  }
}

BOOST_AUTO_TEST_CASE(bounds_that_are_none_are_infinite_and_not_drawn) {
  RunReport run;
  set_certificate(run, kPixels, {true}, {0.1});
  run.certificate->threats[0].log10_constant = kNaN;
  run.certificate->threats[0].constant = kNaN;
  const Comparison alone = compare({run});
  const FrontierPoint lost = frontier_point("nan", "m", alone.results[0][0], 0.01);
  BOOST_TEST(lost.log10_constant == kInf);
  BOOST_TEST(lost.constant == kInf);
  Frontier frontier{kPixels, 0.1, {lost, point("inf", 9, kInf), point("zero", 1, -kInf)}};
  mark_front(frontier.points);
  BOOST_TEST(frontier_table(frontier).rows.at(1)[4] == "inf");
  BOOST_TEST(frontier_plot(frontier).series.empty());
  frontier.points.push_back(point("huge", 5, 400));
  frontier.points.push_back(point("small", 2, 0));
  mark_front(frontier.points);
  const Plot plot = frontier_plot(frontier);
  for (const Series& series : plot.series) {
    for (const auto& [x, y] : series.points) {
      BOOST_TEST((std::isfinite(x) && x >= plot.x.low && x <= plot.x.high));
      BOOST_TEST((y >= 0 && y <= 100));
    }
  }
  BOOST_TEST(taut::test::contains(to_svg(plot, "f"), "<svg"));
  BOOST_TEST(taut::test::contains(to_svg(frontier_plot({kPixels, 0.1, {}}), "f"), "</svg>"));
  RunReport empty;
  set_certificate(empty, kPixels, {}, {});
  const Comparison none = compare({empty});
  BOOST_TEST(taut::test::contains(
      taut::test::error_of([&] { frontier_point("empty", "m", none.results[0][0], 0.1); }),
      "no rows"));
}

BOOST_AUTO_TEST_CASE(methods_are_series_and_the_front_rises_in_steps) {
  Frontier frontier{kPixels,
                    0.1,
                    {point("c", 8, 2, "adamw + none"), point("a", 5, 0, "muon + soft_cap"),
                     point("b", 4, 1, "muon + soft_cap")}};
  mark_front(frontier.points);
  const Plot plot = frontier_plot(frontier);
  BOOST_TEST_REQUIRE(plot.series.size() == 5u);
  BOOST_TEST(plot.series[0].title == "muon + soft_cap");
  BOOST_TEST(plot.series[0].points.size() == 2u);
  BOOST_TEST(plot.series[1].points[0].second == 20.0);  // certified
  BOOST_TEST(plot.series[0].run == plot.series[1].run);
  BOOST_TEST(plot.series[0].run != plot.series[2].run);
  const std::vector<std::pair<double, double>> steps = {
      {0, 50}, {2, 50}, {2, 80}, {plot.x.high, 80}};
  BOOST_TEST((plot.series[4].points == steps));
}

BOOST_AUTO_TEST_SUITE_END()
