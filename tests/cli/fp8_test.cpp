#include <boost/test/unit_test.hpp>
#include <sstream>

#include "tests/cli/program.hpp"

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
    BOOST_REQUIRE(invoke(folder, tiny_train(preset, data, run)).status == 0);
    const Outcome out = invoke(folder, {"inspect", run, "--fp8", "--examples", "40"});
    BOOST_TEST(out.status == 0, out.err);
    BOOST_TEST(contains(out.out, "40 examples"), out.out);
    BOOST_TEST(contains(line_with(out.out, "fp32"), " 0.00 % "), out.out);
    for (const char* row : {"e4m3 weights ", "e4m3 weights and activations, certified ranges",
                            "e4m3 weights and activations, observed ranges"}) {
      const std::string line = line_with(out.out, row);
      BOOST_TEST(contains(line, " %"), out.out);
      BOOST_TEST(!contains(line, " 0.00 % | 0 "), out.out);
    }
  }
}

BOOST_AUTO_TEST_CASE(mistakes_are_one_line) {
  const TempFolder folder;
  const std::string run = (folder / "a").string();
  BOOST_REQUIRE(invoke(folder, tiny_train("digits-mlp", "synthetic", run)).status == 0);
  for (const std::string examples : {"0", "-3", "many"}) {
    const Outcome out = invoke(folder, {"inspect", run, "--fp8", "--examples", examples});
    BOOST_TEST(out.status == 2);
    BOOST_TEST(std::count(out.err.begin(), out.err.end(), '\n') == 1, out.err);
  }
}

BOOST_AUTO_TEST_SUITE_END()
