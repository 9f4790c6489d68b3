#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "src/train/metrics.hpp"

using namespace taut;

namespace {

train::Line example() {
  train::Line line;
  line.step = 120;
  line.tally.add(0.25, 1, 60, 100);
  line.tally.add(0.75, 1, 90, 100);
  line.tally.seconds = 0.5;
  line.validation_loss = 0.125;
  line.validation_accuracy = 0.875;
  line.lr = 0.0625;
  line.log10_bound = 2;
  line.seconds = 7;
  return line;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_test)

BOOST_AUTO_TEST_CASE(a_line_holds_means_and_rates) {
  const auto line = nlohmann::json::parse(json(example()));
  BOOST_TEST(line.at("step").get<int64_t>() == 120);
  BOOST_TEST(line.at("loss").get<double>() == 0.5);
  BOOST_TEST(line.at("accuracy").get<double>() == 0.75);
  BOOST_TEST(line.at("validation_loss").get<double>() == 0.125);
  BOOST_TEST(line.at("validation_accuracy").get<double>() == 0.875);
  BOOST_TEST(line.at("lr").get<double>() == 0.0625);
  BOOST_TEST(line.at("log10_bound").get<double>() == 2);
  BOOST_TEST(line.at("rows_per_second").get<double>() == 400);
  BOOST_TEST(line.at("seconds").get<double>() == 7);
}

BOOST_AUTO_TEST_CASE(layers_and_weights_are_tracked) {
  train::Line line = example();
  line.tracking.layers = {{"head", 3.5, std::numeric_limits<double>::infinity()}};
  line.tracking.weights = {{"a.weight", 0, 0.5, 0.75, 2}, {"a.weight", 1, 1, 1.25, 3}};
  const auto json = nlohmann::json::parse(train::json(line));
  BOOST_TEST(json.at("layers").dump() == R"({"head":[3.5,"inf"]})");
  BOOST_TEST(json.at("weights").dump() == R"({"a.weight":[[0.5,0.75,2.0],[1.0,1.25,3.0]]})");
}

// Of diag(3, 4) and of a matrix of rank one.
BOOST_AUTO_TEST_CASE(stable_ranks_have_closed_values) {
  models::Network network;
  network.input = {models::InputKind::pixels, 1, 1, 2, 0, 1, 0, 0};
  network.layers.push_back({"flatten", models::Patchify{0}});
  network.layers.push_back({"first", models::Linear{at::diag(at::tensor({3.0f, 4.0f})), {}, 1}});
  network.layers.push_back({"head", models::Linear{at::ones({2, 2}), {}, 1}});
  const train::Tracking t = train::track(network, at::full({1, 1, 1, 2}, 0.5f));
  BOOST_TEST_REQUIRE(t.weights.size() == 2u);
  const auto near = boost::test_tools::tolerance(1e-8);
  BOOST_TEST(t.weights[0].stable_rank == 25 / 16.0, near);
  BOOST_TEST(t.weights[1].stable_rank == 1.0, near);
  BOOST_TEST(t.weights[0].lower <= 4);
  BOOST_TEST(t.weights[0].upper >= 4);
  BOOST_TEST_REQUIRE(t.layers.size() == 3u);
  BOOST_TEST(t.layers[1].largest == 2);
  BOOST_TEST(t.layers[2].largest == 3.5);
}

BOOST_AUTO_TEST_CASE(infinity_is_a_word_and_a_missing_bound_is_missing) {
  train::Line line = example();
  line.log10_bound = std::numeric_limits<double>::infinity();
  BOOST_TEST(nlohmann::json::parse(json(line)).at("log10_bound").get<std::string>() == "inf");
  line.log10_bound.reset();
  BOOST_TEST(!nlohmann::json::parse(json(line)).contains("log10_bound"));
}

BOOST_AUTO_TEST_CASE(progress_reads_like_a_sentence) {
  BOOST_TEST(progress(example(), 500, 12, "images") ==
             "120/500, loss 0.5, accuracy 75.0 %, lr 0.0625, bound 100, 400 images/s, 0:12 left");
  train::Line line = example();
  line.log10_bound = std::log10(12.31);
  BOOST_TEST(progress(line, 500, 12, "images").find("bound 12.4,") != std::string::npos);
  line.log10_bound = 1234.5;
  BOOST_TEST(progress(line, 500, 12, "tokens").find("bound 10^1234.5,") != std::string::npos);
  line.tally = {};  // nothing read yet
  BOOST_TEST(progress(line, 500, 12, "tokens") == "120/500, lr 0.0625, bound 10^1234.5, 0:12 left");
}

BOOST_AUTO_TEST_SUITE_END()
