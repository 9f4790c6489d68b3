#include <ATen/ATen.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "src/report/report.hpp"
#include "src/report/tables.hpp"
#include "src/report/values.hpp"
#include "tests/report/samples.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::report;
using namespace taut::report::test;

namespace {

// `certified` rows of which the first `attacked` were attacked; every attack radius lies above the
// proved one.
RunReport uneven(size_t certified, size_t attacked, std::mt19937_64& random) {
  std::uniform_real_distribution<double> share(0, 1);
  std::vector<bool> right(certified);
  std::vector<double> proof(certified), attack(attacked);
  for (size_t i = 0; i < certified; ++i) {
    // The later rows are the easier ones.
    right[i] = share(random) < (i < attacked ? 0.5 : 1.0);
    proof[i] = share(random) * (i < attacked ? 1.0 : 3.0);
    if (i < attacked) attack[i] = right[i] ? proof[i] * (1 + share(random)) + 1e-9 : 0;
  }
  RunReport run;
  run.name = "uneven";
  set_certificate(run, kPixels, right, proof);
  right.resize(attacked);
  add_attack(run, kPixels, right, attack);
  return run;
}

const ThreatResult& only(const Comparison& comparison) { return comparison.results.at(0).at(0); }

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_rows_test)

BOOST_AUTO_TEST_CASE(proof_and_attack_are_told_of_the_same_rows) {
  std::mt19937_64 random(taut::test::seed());
  for (int draw = 0; draw < 50; ++draw) {
    const size_t attacked = 1 + random() % 40;
    const Comparison c = compare({uneven(attacked + random() % 60, attacked, random)});
    const ThreatResult& r = only(c);
    BOOST_TEST(r.checked.contradictions.empty());
    BOOST_TEST(r.certified->rows == r.attacked->rows);
    for (double eps = 0; eps < 3; eps += 0.07) {
      BOOST_TEST(robust(*r.certified, eps).value() <= robust(*r.attacked, eps).value());
    }
  }
}

BOOST_AUTO_TEST_CASE(every_certified_row_is_still_told) {
  RunReport run;
  run.name = "uneven";
  set_certificate(run, kPixels, std::vector<bool>(10, true), {1, 0, 0, 0, 1, 1, 1, 1, 1, 1});
  add_attack(run, kPixels, std::vector<bool>(4, true), {2, 2, 2, 2});
  const Comparison c = compare({run});
  BOOST_TEST_REQUIRE(only(c).certified_all.has_value());
  BOOST_TEST(only(c).certified->rows == 4);
  BOOST_TEST(only(c).certified_all->rows == 10);
  BOOST_TEST(c.clean[0].rows == 10);
  ReportOptions options;
  options.eps["l2"] = {0.5};
  const Table table = summary_table(c, options);
  BOOST_TEST(cell(table, "rows attacked, of those certified") == "4 of 10");
  BOOST_TEST(cell(table, "accuracy certified at 0.5") == "25.0 %");
  BOOST_TEST(cell(table, "accuracy certified at 0.5, every certified row") == "70.0 %");
}

BOOST_AUTO_TEST_CASE(equal_rows_need_no_second_figure) {
  std::mt19937_64 random(taut::test::seed());
  const Comparison c = compare({uneven(6, 6, random)});
  BOOST_TEST(!only(c).certified_all.has_value());
}

BOOST_AUTO_TEST_CASE(disjoint_rows_are_told_apart) {
  std::mt19937_64 random(taut::test::seed());
  RunReport run = uneven(9, 3, random);
  run.attacks[0].example += 100;
  const Comparison c = compare({run});
  const ThreatResult& r = only(c);
  BOOST_TEST(cell(threat_table(c, 0), "rows attacked, of those certified") == "0 of 9");
  BOOST_TEST(c.notes.size() == 1u);
  BOOST_TEST(r.certified->rows == 9);
  BOOST_TEST(r.attacked->rows == 3);
  BOOST_TEST(r.pairs.empty());
}

BOOST_AUTO_TEST_CASE(attacked_rows_without_a_certificate_are_not_counted) {
  RunReport run;
  run.name = "more attacked";
  set_certificate(run, kPixels, {true, true}, {0.5, 0.5});
  add_attack(run, kPixels, std::vector<bool>(5, true), {1, 1, 9, 9, 9});
  const Comparison c = compare({run});
  BOOST_TEST(only(c).attacked->rows == 2);
  BOOST_TEST(only(c).attacked->correct.back() == 1.0);
  BOOST_TEST_REQUIRE(c.notes.size() == 1u);
  BOOST_TEST(c.notes[0].find("3 of 5 attacked rows have no certificate") != std::string::npos);
}

// A certificate is made in fp64, an attack starts in fp32: they may disagree about a clean row, but
// not where the certificate promises something of the fp32 program.
BOOST_AUTO_TEST_CASE(a_row_is_right_only_where_both_say_so) {
  RunReport run;
  set_certificate(run, kPixels, {true, true, false}, {0.5, 0.5, 0.5});
  add_attack(run, kPixels, {true, false, true}, {1, 0, 1});
  run.attacks[0].radius_confirmed.fill_(1);
  run.certificate->threats[0].radius_deployed.zero_();
  const Comparison c = compare({run});
  BOOST_TEST(only(c).certified->correct.size() == 1u);
  BOOST_TEST(only(c).attacked->correct.size() == 1u);
  BOOST_TEST(only(c).pairs.size() == 1u);
  BOOST_TEST(only(c).checked.contradictions.empty());
  run.certificate->threats[0].radius_deployed.fill_(0.25);
  const Comparison broken = compare({run});
  BOOST_TEST(only(broken).pairs.size() == 2u);
  BOOST_TEST(only(broken).checked.contradictions.size() == 1u);
}

BOOST_AUTO_TEST_CASE(runs_attacked_on_other_rows_are_noted) {
  std::mt19937_64 random(taut::test::seed());
  const Comparison c = compare({uneven(9, 5, random), uneven(9, 2, random)});
  BOOST_TEST(c.notes.size() == 1u);
}

// What fp64 confirms is held against real arithmetic, also where a smaller find fools fp32 alone.
BOOST_AUTO_TEST_CASE(a_confirmed_find_is_paired_with_the_real_radius) {
  RunReport run;
  run.name = "a";
  set_certificate(run, kPixels, {true}, {0.5});
  run.certificate->threats[0].radius_deployed.fill_(0.25);
  add_attack(run, kPixels, {true}, {0.3});
  run.attacks[0].radius_confirmed.fill_(0.4);
  const Comparison c = compare({run});
  BOOST_TEST(only(c).checked.contradictions.size() == 1u);
  BOOST_TEST(*largest_ratio(only(c)) == 1.25);
}

// The default sizes of a text model are shares of its embedding; only then is the absolute list
// left out on a terminal.
BOOST_AUTO_TEST_CASE(a_terminal_lists_relative_sizes_once_and_asked_ones_always) {
  RunReport run = sample("text", kTokens);
  run.width = 16;
  run.tokens = 4;
  run.certificate->embedding_rms = 0.5;
  const Comparison c = compare({run});
  ReportOptions options;
  options.eps["every_token"] = {0.01 * only(c).unit};
  BOOST_TEST(only(c).unit == 2.0);
  BOOST_TEST(cell(summary_table(c, options), "accuracy certified at 0.02").starts_with("no row"));
  BOOST_TEST(!cell(summary_table(c, options), "accuracy certified at 0.01 of the embedding RMS")
                  .starts_with("no row"));
  // In files too: 0.02 is 0.01 of the embedding.
  const std::vector<Value> all = values(c, options);
  BOOST_TEST(std::count_if(all.begin(), all.end(), [](const Value& v) {
               return v.quantity == "certified_accuracy" && v.eps && std::abs(*v.eps - 0.02) < 1e-9;
             }) == 1);
  options.eps["every_token"].push_back(0.3);
  BOOST_TEST(!cell(summary_table(c, options), "accuracy certified at 0.3").starts_with("no row"));
}

BOOST_AUTO_TEST_CASE(medians_are_also_told_relative_to_the_embedding) {
  RunReport run = sample("text", kTokens);
  run.width = 16;
  run.tokens = 4;
  run.certificate->embedding_rms = 0.5;
  const Table table = threat_table(compare({run}), 0);
  BOOST_TEST(cell(table, "median certified radius") == "0.25");
  BOOST_TEST(cell(table, "median certified radius / embedding RMS") == "0.125");
}

BOOST_AUTO_TEST_SUITE_END()
