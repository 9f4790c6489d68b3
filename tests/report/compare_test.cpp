#include "src/report/compare.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "src/core/core.hpp"
#include "src/report/values.hpp"
#include "tests/report/samples.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::report;
using namespace taut::report::test;

namespace {

const ThreatResult& only(const Comparison& comparison) { return comparison.results.at(0).at(0); }

}  // namespace

BOOST_AUTO_TEST_SUITE(compare_test)

BOOST_AUTO_TEST_CASE(a_row_counts_strictly_below_its_radius) {
  const Comparison c = compare({sample("a")});
  const Radii& proved = *only(c).certified;  // 0, .25, .5, 1 and a wrong row
  BOOST_TEST(proved.rows == 5);
  BOOST_TEST(robust(proved, 0).count == 3);
  BOOST_TEST(robust(proved, std::nextafter(0.5, 0)).count == 2);
  BOOST_TEST(robust(proved, 0.5).count == 1);      // the proof does not reach its own radius
  const Radii& attacked = *only(c).attacked;       // .125, .5, .625, inf and a wrong row
  BOOST_TEST(robust(attacked, 0.125).count == 3);  // broken at a radius <= eps
  BOOST_TEST(robust(attacked, std::nextafter(0.125, 0)).count == 4);
  BOOST_TEST(robust(attacked, 1e300).count == 1);
  BOOST_TEST(robust(*only(c).deployed, 0.25).count == 1);
}

BOOST_AUTO_TEST_CASE(misclassified_rows_never_count) {
  const Comparison c = compare({sample("a")});  // the wrong row claims a certified radius of 7
  BOOST_TEST(robust(*only(c).certified, 6).count == 0);
  BOOST_TEST(clean(*only(c).certified).count == 4);
  BOOST_TEST(c.clean[0].count == 4);
  BOOST_TEST(c.clean[0].rows == 5);
  BOOST_TEST(clean(*only(c).attacked).count == 4);
}

BOOST_AUTO_TEST_CASE(nan_is_never_robust) {
  RunReport run;
  set_certificate(run, kPixels, {true, true}, {kNaN, 1});
  run.name = "nan";
  const Comparison c = compare({run});
  BOOST_TEST(robust(*only(c).certified, 0).count == 1);
  BOOST_TEST(*median(*only(c).certified) == 0);
  RunReport attacked;
  add_attack(attacked, kPixels, {true, true}, {kNaN, 1});
  BOOST_TEST(robust(*only(compare({attacked})).attacked, 0).count == 1);
}

BOOST_AUTO_TEST_CASE(accuracy_never_rises_with_eps) {
  std::mt19937_64 draw(taut::test::seed());
  std::exponential_distribution<double> size(1);
  std::vector<bool> right;
  std::vector<double> radii;
  for (int i = 0; i < 500; ++i) {
    right.push_back(i % 7 != 0);
    radii.push_back(i % 11 == 0 ? kInf : size(draw));
  }
  RunReport random;
  set_certificate(random, kPixels, right, radii);
  const Radii proved = *only(compare({random})).certified;
  int64_t before = robust(proved, 0).count;
  BOOST_TEST(before == clean(proved).count);
  for (double eps = 0; eps < 8; eps += 0.01) {
    const int64_t now = robust(proved, eps).count;
    BOOST_REQUIRE_LE(now, before);
    before = now;
  }
}

BOOST_AUTO_TEST_CASE(medians_are_the_lower_ones_of_the_right_rows) {
  const Comparison c = compare({sample("a")});
  BOOST_TEST(*median(*only(c).certified) == 0.25);
  BOOST_TEST(*median(*only(c).deployed) == 0.125);
  BOOST_TEST(*median(*only(c).attacked) == 0.5);
  BOOST_TEST(!median(Radii{3, {}}).has_value());
}

BOOST_AUTO_TEST_CASE(the_ratio_is_over_rows_that_an_attack_broke) {
  const Comparison c = compare({sample("a")});  // .5/.625, .25/.5, 0/.125; 1/inf is left out
  BOOST_TEST(*largest_ratio(only(c)) == 0.8);
  BOOST_TEST(only(c).pairs.size() == 4u);
  RunReport unbroken;
  set_certificate(unbroken, kPixels, {true}, {1});
  add_attack(unbroken, kPixels, {true}, {kInf});
  BOOST_TEST(!largest_ratio(only(compare({unbroken}))).has_value());
}

BOOST_AUTO_TEST_CASE(a_planted_contradiction_is_counted) {
  BOOST_TEST(check_line(checked(compare({sample("a")}))) ==
             "attacks inside a certified radius: 0 of 3");
  RunReport run = sample("b");
  set_attack_radius(run, 0, 0.4375);  // below its certified .5
  const Comparison c = compare({sample("a"), run});
  BOOST_TEST(check_line(checked(c)) == "attacks inside a certified radius: 1 of 6");
  BOOST_TEST(c.results[0][1].checked.contradictions.at(0).example == 0);
  BOOST_TEST(*largest_ratio(c.results[0][1]) > 1);
}

BOOST_AUTO_TEST_CASE(an_attack_in_a_box_is_checked_against_a_certificate_without_one) {
  RunReport run = sample("a");
  run.attacks.clear();
  models::Threat anywhere = kPixels;
  anywhere.box.reset();
  run.certificate->threats[0].threat = anywhere;
  add_attack(run, kPixels, {true, true, true, true, false}, {0.4375, 0.5, 0.125, kInf, 0});
  const Comparison c = compare({run});
  BOOST_TEST(c.threats.size() == 2u);
  BOOST_TEST(check_line(checked(c)) == "attacks inside a certified radius: 1 of 3");
}

BOOST_AUTO_TEST_CASE(of_several_attacks_the_worst_case_counts) {
  RunReport run;
  add_attack(run, kPixels, {true, true, true}, {0.5, kInf, 2});
  add_attack(run, kPixels, {true, true, true}, {0.75, 0.25, kInf});
  const Radii attacked = *only(compare({run})).attacked;
  BOOST_TEST(attacked.rows == 3);
  RunReport doubtful = run;
  add_attack(doubtful, kPixels, {true, true, false}, {9, 9, 9});
  BOOST_TEST(only(compare({doubtful})).attacked->correct.size() == 2u);
  BOOST_TEST(attacked.correct == (std::vector<double>{0.25, 0.5, 2}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_attack_that_only_fp32_sees_is_held_against_the_fp32_radius) {
  RunReport run;
  set_certificate(run, kPixels, {true}, {0.5});  // deployed: .25
  add_attack(run, kPixels, {true}, {0.4375});
  run.attacks[0].radius_confirmed.fill_(kInf);
  const ThreatResult r = only(compare({run}));
  BOOST_TEST(r.pairs.at(0).certified == 0.25);
  BOOST_TEST(r.checked.contradictions.empty());
}

BOOST_AUTO_TEST_CASE(rows_that_do_not_fit_are_errors) {
  BOOST_CHECK_THROW(compare({}), Error);
  RunReport relabelled = sample("a");
  relabelled.attacks[0].label[2] = 0;
  BOOST_CHECK_THROW(compare({relabelled}), Error);
  RunReport shorter = sample("a");
  shorter.certificate->threats[0].radius = at::zeros({4}, at::kDouble);
  BOOST_CHECK_THROW(compare({shorter}), Error);
  RunReport missing = sample("a");
  missing.attacks[0].radius_confirmed = at::Tensor();
  BOOST_CHECK_THROW(compare({missing}), Error);
  RunReport twice = sample("a");
  twice.certificate->example[1] = 0;
  BOOST_CHECK_THROW(compare({twice}), Error);
}

BOOST_AUTO_TEST_CASE(different_rows_are_noted) {
  BOOST_TEST(compare({sample("a"), sample("b")}).notes.empty());
  RunReport other = sample("b");
  other.certificate->example += 100;
  other.attacks[0].example += 100;
  BOOST_TEST(compare({sample("a"), other}).notes.size() == 1u);
  RunReport relabelled = sample("b");
  relabelled.certificate->label[4] = 7;
  relabelled.attacks[0].label[4] = 7;
  BOOST_TEST(compare({sample("a"), relabelled}).notes.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_rescaled_table_has_the_same_relative_figures) {
  const auto made = [](double scale) {
    RunReport run = sample("a", kTokens);
    run.width = 16;
    run.tokens = 4;
    run.certificate->embedding_rms = run.attacks[0].embedding_rms = 0.3 * scale;
    run.certificate->threats[0].radius = run.certificate->threats[0].radius * scale;
    run.certificate->threats[0].radius_deployed =
        run.certificate->threats[0].radius_deployed * scale;
    run.attacks[0].radius = run.attacks[0].radius * scale;
    return run;
  };
  const Comparison c = compare({made(1), made(10)});
  const auto &plain = c.results[0][0], &scaled = c.results[0][1];
  BOOST_TEST(plain.unit == 0.3 * 4, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(scaled.unit == 10 * plain.unit, boost::test_tools::tolerance(1e-12));
  for (double eps = 0.003; eps < 1; eps *= 1.1) {
    BOOST_TEST(robust(*plain.certified, eps * plain.unit).count ==
               robust(*scaled.certified, eps * scaled.unit).count);
    BOOST_TEST(robust(*plain.attacked, eps * plain.unit).count ==
               robust(*scaled.attacked, eps * scaled.unit).count);
  }
  // In absolute eps the rescaled table looks robust: that is what the relative figures are for.
  BOOST_TEST(robust(*scaled.certified, 1).count > robust(*plain.certified, 1).count);
}

BOOST_AUTO_TEST_CASE(the_unit_depends_on_the_norm) {
  for (const auto& [norm, unit] :
       {std::pair{models::Norm::every_token, 2.0 * 4}, std::pair{models::Norm::one_token, 2.0 * 4},
        std::pair{models::Norm::l2, 2.0 * 12}, std::pair{models::Norm::linf, 2.0}}) {
    RunReport run = sample("a", {models::Space::embedding, norm, {}});
    run.width = 16;
    run.tokens = 9;
    run.certificate->embedding_rms = 2;
    BOOST_TEST(only(compare({run})).unit == unit, boost::test_tools::tolerance(1e-12));
  }
  RunReport pixels = sample("a");
  pixels.certificate->embedding_rms = 2;
  pixels.width = 16;
  BOOST_TEST(only(compare({pixels})).unit == 0);
}

BOOST_AUTO_TEST_CASE(sizes_come_from_the_options_the_attacks_or_the_radii) {
  const Comparison c = compare({sample("a")});
  BOOST_TEST(eps_list(c, 0, {{{"l2", {0.5, 0.1, 0.5}}}, {}}) == (std::vector<double>{0.1, 0.5}),
             boost::test_tools::per_element());
  BOOST_TEST(eps_list(c, 0, {}) == (std::vector<double>{0.25, 0.5}),
             boost::test_tools::per_element());
  RunReport untold = sample("a");
  untold.attacks[0].eps.clear();
  const auto chosen = eps_list(compare({untold}), 0, {});
  BOOST_TEST(!chosen.empty());
  BOOST_TEST(std::is_sorted(chosen.begin(), chosen.end()));
  BOOST_TEST(chosen.front() > 0);
}

BOOST_AUTO_TEST_SUITE_END()
