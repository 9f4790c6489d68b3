#include "src/report/plot.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <limits>
#include <regex>

#include "src/core/core.hpp"
#include "src/report/figures.hpp"
#include "tests/report/samples.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::report;
using namespace taut::report::test;

namespace {

Plot plain(const std::string& title) {
  return {{"x", 0, 1, false},
          {"y", 0, 1, false},
          true,
          false,
          {{title, 0, Mark::solid, {{0, 0}, {1, 1}}}}};
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plot_test)

BOOST_AUTO_TEST_CASE(axes_turn_logarithmic_only_when_they_must) {
  const Axis linear = spanning({1, 10}, "x", 6);
  BOOST_TEST(!linear.log);
  BOOST_TEST(linear.low == 0);
  BOOST_TEST(linear.high > 10);
  const Axis log = spanning({0.003, 7, 0, kInf, kNaN, -1}, "x", 6);
  BOOST_TEST(log.log);
  BOOST_TEST(log.low == 0.002, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(log.high == 10, boost::test_tools::tolerance(1e-9));
  const Axis deep = spanning({1e-12, 1}, "x", 6);
  BOOST_TEST(deep.low == 1e-6, boost::test_tools::tolerance(1e-9));
  const Axis empty = spanning({0, kInf}, "x", 6);
  BOOST_TEST((empty.low == 0 && empty.high == 1 && !empty.log));
}

BOOST_AUTO_TEST_CASE(an_svg_is_complete_in_itself) {
  const std::string svg = to_svg(plain("a <script>alert(1)</script> ]]> 'q' `id` \\ ü"), "f1");
  BOOST_TEST(svg.rfind("<svg", 0) == 0u);
  BOOST_TEST(svg.find("</svg>") == svg.size() - 6);
  BOOST_TEST(count(svg, "http") == 1u);
  BOOST_TEST(count(svg, "xmlns=\"http://www.w3.org/2000/svg\"") == 1u);
  BOOST_TEST(count(svg, "script>") == 0u);
  BOOST_TEST(count(svg, "xlink") == 0u);
  BOOST_TEST(count(svg, "`id`") == 1u);
  // Every reference is to an id of this very plot.
  const std::regex reference("href=['\"]([^'\"]*)['\"]");
  for (std::sregex_iterator i(svg.begin(), svg.end(), reference), end; i != end; ++i) {
    BOOST_TEST((*i)[1].str().rfind("#f1-", 0) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(nothing_to_draw_is_drawn) {
  BOOST_TEST(to_svg({{"x", 0, 1, false}, {"y", 0, 1, false}, false, false, {}}, "f").size() > 0u);
  const Axis tiny = spanning({1e-290, 1}, "x", 300);
  BOOST_TEST(to_svg({tiny, tiny, true, true, {{"a", 0, Mark::points, {{1e-290, 1}}}}}, "f").size() >
             0u);
}

BOOST_AUTO_TEST_CASE(a_missing_gnuplot_is_named) {
  const taut::test::TempFolder empty;
  const std::string path = std::getenv("PATH");
  setenv("PATH", empty.path().c_str(), 1);
  std::string said;
  try {
    to_svg(plain("a"), "f");
  } catch (const Error& error) {
    said = error.what();
  }
  setenv("PATH", path.c_str(), 1);
  BOOST_TEST(said.find("install the package gnuplot-nox") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_gnuplot_complains_about_is_passed_on) {
  Plot plot = plain("a");
  plot.x.low = plot.x.high = 0;
  plot.x.log = true;
  BOOST_CHECK_THROW(to_svg(plot, "f"), Error);
}

BOOST_AUTO_TEST_CASE(the_scatter_shows_pairs_and_counts_the_rest) {
  RunReport run = sample("a");
  set_attack_radius(run, 1, 0.2);  // below its certified .25
  const auto figure = scatter(compare({run}), 0);
  BOOST_REQUIRE(figure.has_value());
  BOOST_TEST(figure->plot.diagonal);
  BOOST_TEST(gnuplot_script(figure->plot).find("plot x with lines") != std::string::npos);
  BOOST_REQUIRE(figure->plot.series.size() == 2u);
  BOOST_TEST(
      (figure->plot.series[0].points == std::vector<std::pair<double, double>>{{0.5, 0.625}}));
  BOOST_TEST((figure->plot.series[1].mark == Mark::alarm));
  BOOST_TEST(
      (figure->plot.series[1].points == std::vector<std::pair<double, double>>{{0.25, 0.2}}));
  BOOST_TEST(figure->caption.find("a: 4 rows, 1 below the line, 1 without a certificate, 1 never "
                                  "broken") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_hopeless_run_does_not_flatten_the_others) {
  RunReport hopeless = sample("b");
  hopeless.certificate->threats[0].radius = at::full({5}, 1e-19, at::kDouble);
  hopeless.certificate->threats[0].radius_deployed = at::zeros({5}, at::kDouble);
  const Comparison c = compare({sample("a"), hopeless});
  const auto points = scatter(c, 0), lines = curves(c, 0, false);
  BOOST_REQUIRE((points && lines));
  BOOST_TEST(points->plot.series[1].points.empty());
  BOOST_TEST(points->caption.find("3 with a radius too small to draw") != std::string::npos);
  // A contradiction is drawn wherever it lies.
  set_attack_radius(hopeless, 0, 1e-20);
  const auto alarmed = scatter(compare({sample("a"), hopeless}), 0);
  BOOST_TEST(alarmed->plot.x.low < 1e-18);
  // Without one the axes are those of the run that has something to show.
  const auto alone = scatter(compare({sample("a")}), 0);
  BOOST_TEST(points->plot.x.low == alone->plot.x.low);
  BOOST_TEST(points->plot.x.high == alone->plot.x.high);
  const auto alone_lines = curves(compare({sample("a")}), 0, false);
  BOOST_TEST(alone_lines->plot.x.low == lines->plot.x.low);
  BOOST_TEST(alone_lines->plot.x.high == lines->plot.x.high);
}

BOOST_AUTO_TEST_CASE(curves_of_all_runs_share_one_plot) {
  RunReport attacked_only = sample("b");
  attacked_only.certificate.reset();
  const auto figure = curves(compare({sample("a"), attacked_only}), 0, false);
  BOOST_REQUIRE(figure.has_value());
  std::vector<std::string> titles;
  for (const Series& series : figure->plot.series) {
    if (!series.title.empty()) titles.push_back(series.title);
    if (series.mark != Mark::solid && series.mark != Mark::dashed) continue;
    for (size_t i = 1; i < series.points.size(); ++i) {
      BOOST_REQUIRE_LE(series.points[i].second, series.points[i - 1].second);
    }
  }
  const std::vector<std::string> expected{"a, certified", "b, not certified", "a, attacked",
                                          "b, attacked"};
  BOOST_TEST(titles == expected, boost::test_tools::per_element());
  BOOST_TEST(!curves(compare({sample("a")}), 0, true).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
