#include <boost/test/unit_test.hpp>
#include <limits>

#include "src/cli/config.hpp"
#include "src/cli/open.hpp"
#include "src/core/core.hpp"
#include "tests/cli/forked.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// What reading a training configuration says; "" where it is accepted.
std::string complaint(const std::string& text) {
  return error_of([&] { cli::train_options(text, "c.toml"); });
}

// --print-config: as far as options alone are looked at.
Outcome train_with(const TempFolder& folder, std::vector<std::string> options) {
  options.insert(options.begin(), {"train", "digits-mlp"});
  options.emplace_back("--print-config");
  return call(folder, options);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config_test)

BOOST_AUTO_TEST_CASE(what_is_no_table_of_options_is_refused) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"steps = []\n", "steps: expected one value, got a list"},
      {"steps = [[]]\n", "'steps'"},
      {"steps = 7 8\n", "line 1"},
      {"steps = 010\n", "line 1"},
      {"steps = 2\nsteps = 3\n", "steps"},
      {"\"model.width\" = 8\n[model]\nwidth = 16\n", "'model.width' is given twice"},
      {"[optimizer]\nlr = [0.1, 0.2]\n", "optimizer.lr: expected one value, got a list"},
      {"[model]\nwidth = 8\n[model]\nheads = 2\n", "line"},
      {"[modell]\n", "unknown section 'modell' (nearest: 'model'"},
      {"[steps]\n", "unknown section 'steps'"},
      {"[default]\nsteps = 3\n", "unknown section 'default'"},
      {"[[model]]\nwidth = 8\n", "'model'"},
      {"[model.]\nwidth = 8\n", "line"},
      {"model = 8\n", "unknown key 'model'"},
      {"steps = 2020-01-01\n", "no date"},
      {"seed = 9223372036854775808\n", "line 1"},
      {"\xff\xfe", "line"},
      {"ab", "line"}};
  for (const auto& [text, part] : texts) {
    const std::string said = complaint(text);
    BOOST_TEST(contains(said, part), text << ": " << said);
    BOOST_TEST(said.starts_with("c.toml: "), text << ": " << said);
  }
  for (const char* text : {"", "# nothing\n", "[model]\n", "model.width = 8\n", "steps = \"7\"\n"})
    BOOST_TEST(complaint(text) == "", text);
}

BOOST_AUTO_TEST_CASE(no_verb_survives_an_empty_list) {
  const TempFolder folder;
  const std::string file = (folder / "c.toml").string(), grid = (folder / "g.toml").string();
  std::ofstream(file) << "steps = []\n";
  refused(call(folder, {"train", file, "--dry-run"}), "steps: expected one value, got a list");
  refused(call(folder, {"attack", "none", "--config", file}), "steps: expected one value");
  std::ofstream(grid) << fmt::format("base = \"{}\"\nout = \"{}\"\n[grid]\nseed = [1]\n", file,
                                     (folder / "runs").string());
  refused(call(folder, {"sweep", grid, "--list"}), "steps: expected one value");
  std::ofstream(file) << "examples = []\n";
  refused(call(folder, {"certify", "none", "--config", file}), "examples: expected one value");
  // Of a list it is what --print-config writes for a list that is not given.
  std::ofstream(file) << "eps = []\n";
  refused(call(folder, {"certify", "none", "--config", file}), "none is not a folder");
}

BOOST_AUTO_TEST_CASE(lists_are_read_back) {
  const TempFolder folder;
  const std::string file = (folder / "c.toml").string();
  std::ofstream(file) << "eps = [0.1, \"36/255\"]\nthreat = \"l2,linf\"\n";
  const Outcome first = done(call(folder, {"attack", "--config", file, "--print-config"}));
  BOOST_TEST(contains(first.out, "eps = [\"0.1\", \"36/255\"]"));
  BOOST_TEST(contains(first.out, "threat = [\"l2\", \"linf\"]"));
  std::ofstream(file) << first.out;
  BOOST_TEST(done(call(folder, {"attack", "--config", file, "--print-config"})).out == first.out);
}

BOOST_AUTO_TEST_CASE(what_is_printed_is_toml_however_it_was_spelled) {
  const TempFolder folder;
  const std::string name = "text:a \"b\" \\c\td\x7f 1e5", file = (folder / "c.toml").string();
  std::ofstream(file) << "[data]\ntokenizer = \"1e5\"\nflip = 1\nname = " << cli::toml_text(name)
                      << "\n[optimizer]\nlr = \".05\"\n[constraint]\ndecay = 5e-1\n";
  const Outcome first = done(call(folder, {"train", file, "--print-config"}));
  for (const char* line :
       {"lr = 0.05\n", "decay = 0.5\n", "tokenizer = \"1e5\"\n", "flip = true\n"})
    BOOST_TEST(contains(first.out, line), line);
  BOOST_TEST(cli::train_options(first.out, "printed").data.name == name);
  std::ofstream(folder / "again.toml") << first.out;
  BOOST_TEST(
      done(call(folder, {"train", (folder / "again.toml").string(), "--print-config"})).out ==
      first.out);
  refused(train_with(folder, {"--data.name", "text:\xff"}), "is not UTF-8");
}

BOOST_AUTO_TEST_CASE(whole_numbers_are_decimal) {
  const TempFolder folder;
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"010", "without a leading zero, got 010"},
      {"0x10", "got 0x10"},
      {"-1", "got -1"},
      {"+1", "got +1"},
      {" 1", "got  1"},
      {"1.0", "got 1.0"},
      {"99999999999999999999", "got 99999999999999999999"},
      {"18446744073709551615", "got 18446744073709551615"},
      {"", "got ''"}};
  for (const auto& [text, part] : wrong) {
    for (const std::string option : {"batch", "seed"})
      BOOST_TEST(contains(complaint(fmt::format("{} = \"{}\"\n", option, text)), part), text);
    refused(train_with(folder, {"--batch", text}), part);
  }
  for (const auto& [text, part] : {wrong.front(), wrong.back()}) {
    refused(train_with(folder, {"--seed", text}), part);
    refused(call(folder, {"attack", "none", "--seed", text}), part);
    refused(call(folder, {"certify", "none", "--batch", text}), part);
    refused(call(folder, {"sweep", "none", "--index", text}), "--index: expected a whole number");
  }
  BOOST_TEST(contains(train_with(folder, {"--batch", "0"}).err,
                      "--batch: expected a whole number in [1, 2147483647], got 0"));
  BOOST_TEST(cli::train_options("seed = 9223372036854775807\n", "").seed ==
             static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
  std::ofstream(folder / "g.toml")
      << fmt::format("base = \"digits-mlp\"\nout = \"{}\"\n[grid]\nbatch = [\"010\"]\n",
                     (folder / "runs").string());
  refused(call(folder, {"sweep", (folder / "g.toml").string(), "--list"}), "got 010");
}

BOOST_AUTO_TEST_CASE(numbers_are_refused_in_short) {
  const TempFolder folder;
  const std::vector<std::vector<std::string>> wrong = {
      {"--model.clamp", "-1", "expected a number >= 0, got -1"},
      {"--optimizer.lr", "0", "expected a number > 0, got 0"},
      {"--optimizer.lr", "nan", "expected a number > 0, got nan"},
      {"--optimizer.lr", "x", "expected a number > 0, got x"},
      {"--optimizer.lr", "1e300", "expected a number of at most 1e+30, got 1e300"},
      {"--loss.margin", "1e300", "expected a number of at most 1e+30, got 1e300"},
      {"--warmup", "1", "expected a number in [0, 1), got 1"},
      {"--data.flip", "on", "expected true or false, got on"}};
  for (const auto& words : wrong) {
    const Outcome outcome = train_with(folder, {words[0], words[1]});
    refused(outcome, words[0] + ": " + words[2]);
    BOOST_TEST(outcome.err.size() < 120u, outcome.err);
  }
}

BOOST_AUTO_TEST_SUITE_END()
