#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "src/io/io.hpp"
#include "tests/cli/foreign.hpp"
#include "tests/cli/forked.hpp"

using namespace taut::test;

namespace {

std::string line_with(const std::string& text, const std::string& part) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(part, 0) == 0) return line;
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fp8_test)

BOOST_AUTO_TEST_CASE(a_constrained_and_a_baseline_network_are_evaluated_in_fp8) {
  const TempFolder folder;
  for (const std::string preset : {"digits-vit", "digits-vit-baseline", "shakespeare-gpt"}) {
    const std::string run = (folder / preset).string();
    const char* data = preset == "shakespeare-gpt" ? "synthetic_text" : "synthetic";
    BOOST_REQUIRE(call(folder, tiny_train(preset, data, run)).status == 0);
    const Outcome out = done(call(folder, {"inspect", run, "--fp8", "--examples", "40"}));
    BOOST_TEST(contains(out.out, "40 examples"), out.out);
    BOOST_TEST(contains(line_with(out.out, "fp32"), " 0.00 % "), out.out);
    const auto rows = nlohmann::json::parse(
        done(call(folder, {"inspect", run, "--fp8", "--examples", "40", "--json"})).out);
    BOOST_TEST_REQUIRE(rows.size() == 4u);
    BOOST_TEST(rows[0]["changed"] == 0);
    BOOST_TEST(rows[0]["largest_logit_error"] == 0);
    for (size_t i = 1; i < 4; ++i) {
      const std::string name = rows[i]["arithmetic"];
      BOOST_TEST(contains(line_with(out.out, name), " %"), out.out);
      BOOST_TEST(rows[i]["largest_logit_error"].get<double>() > 0, name);
      BOOST_TEST(rows[i]["relative_error"].get<double>() < 1, name);
    }
    // Activations are rounded as well, and the two ranges differ.
    BOOST_TEST(rows[2]["largest_logit_error"] != rows[1]["largest_logit_error"]);
    BOOST_TEST(rows[3]["largest_logit_error"] != rows[2]["largest_logit_error"]);
  }
}

// Its accuracy is that of the run's own evaluation.
BOOST_AUTO_TEST_CASE(the_fp32_row_is_the_network_itself) {
  const TempFolder folder;
  const std::string run = (folder / "a").string();
  done(call(folder, tiny_train("digits-vit", "synthetic", run)));
  const auto rows = nlohmann::json::parse(
      done(call(folder, {"inspect", run, "--checkpoint", "last", "--fp8", "--json"})).out);
  const auto last = taut::io::load_run_checkpoint(folder / "a", "last");
  BOOST_TEST(rows[0]["accuracy"].get<double>() == last.numbers.at("validation_accuracy"),
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(logits_that_are_all_zero_have_no_error) {
  const TempFolder folder;
  taut::io::TensorFile weights = sequential();
  for (const char* name : {"3.weight", "3.bias"}) weights.tensors[name].zero_();
  const std::string file = saved(folder, weights);
  const Outcome out = done(call(folder, {"inspect", file, "--fp8", "--data", "synthetic"}, kMlp));
  BOOST_TEST(!contains(out.out, "nan"), out.out);
  BOOST_TEST(contains(line_with(out.out, "fp32"), " 0.00 %"), out.out);
}

BOOST_AUTO_TEST_CASE(mistakes_are_one_line) {
  const TempFolder folder;
  const std::string run = (folder / "a").string();
  BOOST_REQUIRE(call(folder, tiny_train("digits-mlp", "synthetic", run)).status == 0);
  for (const std::string examples : {"0", "-3", "many"}) {
    const Outcome out = call(folder, {"inspect", run, "--fp8", "--examples", examples});
    BOOST_TEST(out.status == 2);
    BOOST_TEST(std::count(out.err.begin(), out.err.end(), '\n') == 1, out.err);
  }
  refused(call(folder, {"inspect", run, "--examples", "3"}), "--fp8");
}

BOOST_AUTO_TEST_SUITE_END()
