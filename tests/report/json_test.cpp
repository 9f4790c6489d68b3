#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/report/samples.hpp"

using namespace taut::report;
using namespace taut::report::test;
using Json = nlohmann::json;

BOOST_AUTO_TEST_SUITE(json_test)

BOOST_AUTO_TEST_CASE(figures_are_unrounded_and_found_by_name) {
  const Json all = Json::parse(summary_json(compare({sample("a")}), sized({0.25})));
  const Json& run = all["runs"][0];
  BOOST_TEST(run["name"] == "a");
  BOOST_TEST(run["parameters"] == 12345);
  BOOST_TEST(run["clean_accuracy"] == 0.8);
  BOOST_TEST(run["facts"]["git_revision"] == "abc123");
  BOOST_TEST(run["weights"][1]["sigma_upper"] == 0.61);
  BOOST_TEST(run["weights"][0]["sigma_cap"] == 0.5);
  BOOST_TEST(run["weights"][2]["sigma_cap"].is_null());
  const Json& threat = run["threats"][0];
  BOOST_TEST(threat["norm"] == "l2, pixels in [0, 1]");
  BOOST_TEST(threat["constant"] == 2);
  BOOST_TEST(threat["largest_certified_to_attack_ratio"] == 0.8);
  BOOST_TEST(threat["attacks_compared"] == 3);
  BOOST_REQUIRE(threat["accuracy"].size() == 1u);
  BOOST_TEST(threat["accuracy"][0]["eps"] == 0.25);
  BOOST_TEST(threat["accuracy"][0]["certified_accuracy"] == 0.4);
  BOOST_TEST(threat["accuracy"][0]["certified_accuracy_fp32"] == 0.2);
  BOOST_TEST(threat["accuracy"][0]["attacked_accuracy"] == 0.6);
}

BOOST_AUTO_TEST_CASE(infinity_and_nan_have_names_and_absence_is_null) {
  RunReport run;
  run.name = "bare \xff";  // not UTF-8
  set_certificate(run, kPixels, {true}, {0}, kInf);
  run.train_seconds = kNaN;
  const Json all = Json::parse(summary_json(compare({run}), {}));
  const Json& threat = all["runs"][0]["threats"][0];
  BOOST_TEST(threat["constant"] == "inf");
  BOOST_TEST(threat["log10_constant"] == "inf");
  BOOST_TEST(threat["median_attack_radius"].is_null());
  BOOST_TEST(threat["attacks_inside_certified_radius"].is_null());
  BOOST_TEST(all["runs"][0]["train_seconds"] == "nan");
  BOOST_TEST(all["runs"][0]["ms_per_step"].is_null());
}

BOOST_AUTO_TEST_CASE(contradictions_are_listed) {
  RunReport run = sample("a");
  set_attack_radius(run, 0, 0.4375);
  const Json all = Json::parse(summary_json(compare({run}), {}));
  BOOST_TEST(all["attacks_inside_certified_radius"] == 1);
  const Json& one = all["runs"][0]["threats"][0]["contradictions"][0];
  BOOST_TEST(one["example"] == 0);
  BOOST_TEST(one["attack_radius"] == 0.4375);
  BOOST_TEST(one["certified_radius"] == 0.5);
}

BOOST_AUTO_TEST_SUITE_END()
