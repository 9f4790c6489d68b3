#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "src/cli/presets.hpp"
#include "src/io/io.hpp"
#include "tests/cli/forked.hpp"

using namespace taut::test;

namespace {

int lines_of(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spine_test)

// The four verbs and inspect, one after the other, on both kinds of input.
BOOST_AUTO_TEST_CASE(images_go_through_every_verb) {
  const TempFolder folder;
  const std::string a = (folder / "a").string(), b = (folder / "b").string();
  BOOST_REQUIRE(invoke(folder, tiny_train("digits-vit", "synthetic", a)).status == 0);
  BOOST_REQUIRE(invoke(folder, tiny_train("digits-vit-baseline", "synthetic", b)).status == 0);
  for (const std::string& run : {a, b}) {
    const Outcome certified = invoke(folder, {"certify", run, "--eps", "36/255,0.5"});
    BOOST_TEST(certified.status == 0, certified.err);
    BOOST_TEST(holds(certified.out, "l2, pixels in [0, 1]"));
    const Outcome attacked =
        invoke(folder, {"attack", run, "--examples", "20", "--steps", "5", "--search", "3"});
    BOOST_TEST(attacked.status == 0, attacked.err);
    BOOST_TEST(holds(attacked.err, "attacks inside a certified radius: 0 of"));
    BOOST_TEST(invoke(folder, {"inspect", run}).status == 0);
  }
  const Outcome compared = invoke(folder, {"compare", a, b, "--out", (folder / "report").string()});
  BOOST_TEST(compared.status == 0, compared.err);
  const std::string html = slurp(folder / "report" / "report.html");
  BOOST_TEST(holds(html, "attacks inside a certified radius: 0 of"));
  BOOST_TEST(holds(html, "<svg"));
  BOOST_TEST(!holds(html, "<script"));
  BOOST_TEST(std::filesystem::exists(folder / "report" / "report.md"));
  BOOST_TEST(std::filesystem::exists(folder / "report" / "report.csv"));
}

// A cap on a stack of heads is none of each head: no report may say that it is held by one.
BOOST_AUTO_TEST_CASE(the_cap_of_a_stack_is_not_claimed_of_its_heads) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  std::vector<std::string> train = tiny_train("digits-vit", "synthetic", run);
  train.insert(train.end(), {"--constraint.heads", "fused"});
  BOOST_REQUIRE(invoke(folder, train).status == 0);
  BOOST_TEST(holds(invoke(folder, {"inspect", run}).out, "(the stack)"));
  BOOST_TEST(invoke(folder, {"certify", run}).status == 0);
  BOOST_TEST(invoke(folder, {"compare", run, "--out", (folder / "report").string()}).status == 0);
  std::istringstream lines(slurp(folder / "report" / "report.md"));
  int heads = 0, capped = 0;
  for (std::string line; std::getline(lines, line);) {
    if (holds(line, "attention.query.weight")) heads += holds(line, "| none") ? 1 : -100;
    if (holds(line, "attention.output.weight")) capped += holds(line, "yes") ? 1 : -100;
  }
  BOOST_TEST(heads > 0);
  BOOST_TEST(capped > 0);
}

BOOST_AUTO_TEST_CASE(sequences_go_through_every_verb) {
  const TempFolder folder;
  const std::string run = (folder / "gpt").string();
  BOOST_REQUIRE(invoke(folder, tiny_train("shakespeare-gpt", "synthetic_text", run)).status == 0);
  const Outcome certified = invoke(folder, {"certify", run, "--examples", "4", "--json"});
  BOOST_TEST(certified.status == 0, certified.err);
  const auto summary = nlohmann::json::parse(certified.out);
  BOOST_TEST(summary.is_object());
  const auto inspected = nlohmann::json::parse(invoke(folder, {"inspect", run, "--json"}).out);
  BOOST_TEST(inspected.at("log10_published").get<double>() != 0);
  BOOST_TEST(holds(invoke(folder, {"inspect", run}).out, "Newhouse et al. 2025, no bound"));
  const auto certificate = taut::io::load_certificate(folder / "gpt" / "certificate.h5");
  BOOST_TEST(inspected.at("log10_constant").get<double>() ==
             certificate.threats.front().log10_constant);
  BOOST_TEST(certificate.threats.size() == 2u);
  BOOST_TEST(certificate.label.size(0) == 4 * 12);
  BOOST_TEST(certificate.embedding_rms > 0);
  const Outcome attacked = invoke(folder, {"attack", run, "--examples", "3", "--positions", "2",
                                           "--steps", "5", "--search", "3"});
  BOOST_TEST(attacked.status == 0, attacked.err);
  BOOST_TEST(invoke(folder, {"compare", run}).status == 0);
  BOOST_TEST(std::filesystem::exists(folder / "gpt" / "report" / "report.html"));
}

// The check that the whole program exists for: a radius that is too large is found, named, and
// fails the run.
BOOST_AUTO_TEST_CASE(a_planted_radius_makes_the_attack_exit_1_and_names_the_example) {
  const TempFolder folder;
  const std::string run = (folder / "a").string();
  BOOST_REQUIRE(invoke(folder, tiny_train("digits-mlp", "synthetic", run)).status == 0);
  BOOST_REQUIRE(invoke(folder, {"certify", run, "--threat", "l2"}).status == 0);
  const std::vector<std::string> attack = {"attack",     run,  "--threat", "l2",
                                           "--examples", "12", "--steps",  "10"};
  BOOST_REQUIRE(invoke(folder, attack).status == 0);
  auto certificate = taut::io::load_certificate(folder / "a" / "certificate.h5");
  const at::Tensor right = (certificate.label == certificate.prediction).slice(0, 0, 12).nonzero();
  BOOST_REQUIRE(right.numel() > 0);
  const auto victim = right[0][0].item<int64_t>();
  certificate.threats[0].radius[victim] = 100.0;
  taut::io::save_certificate(folder / "a" / "certificate.h5", certificate);
  const Outcome caught = invoke(folder, attack);
  BOOST_TEST(caught.status == 1);
  BOOST_TEST(
      holds(caught.err, fmt::format("CONTRADICTION: l2, pixels in [0, 1]: example {},", victim)));
  BOOST_TEST(holds(caught.err, "attacks inside a certified radius: 1 of"));
  BOOST_TEST(invoke(folder, {"compare", run}).status == 1);
}

BOOST_AUTO_TEST_CASE(an_attack_on_one_threat_keeps_those_on_others) {
  const TempFolder folder;
  const std::string run = (folder / "a").string();
  BOOST_REQUIRE(invoke(folder, tiny_train("digits-mlp", "synthetic", run)).status == 0);
  const auto attack = [&](const char* threat, const char* examples) {
    return invoke(folder, {"attack", run, "--threat", threat, "--examples", examples, "--steps",
                           "2", "--search", "1"})
        .status;
  };
  BOOST_TEST(attack("l2", "6") == 0);
  BOOST_TEST(attack("linf", "5") == 0);
  BOOST_TEST(attack("l2", "4") == 0);
  const auto results = taut::io::load_attacks(folder / "a" / "attack.h5");
  BOOST_TEST_REQUIRE(results.size() == 2u);
  for (const auto& result : results) {
    const bool l2 = result.threat.norm == taut::models::Norm::l2;
    BOOST_TEST(result.label.size(0) == (l2 ? 4 : 5));
    BOOST_TEST(result.provenance.at("steps") == "2");
    BOOST_TEST(result.provenance.count("git_revision") == 1u);
  }
}

BOOST_AUTO_TEST_CASE(an_interrupted_attack_leaves_the_earlier_one) {
  const TempFolder folder;
  const std::string run = (folder / "a").string();
  BOOST_REQUIRE(invoke(folder, tiny_train("digits-mlp", "synthetic", run)).status == 0);
  BOOST_REQUIRE(
      invoke(folder, {"attack", run, "--examples", "4", "--steps", "2", "--search", "1"}).status ==
      0);
  const std::string before = slurp(folder / "a" / "attack.h5");
  const pid_t child =
      start(folder, {"attack", run, "--examples", "0", "--steps", "100000", "--search", "60"});
  while (slurp(folder / "err").find("attacking") == std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  kill(child, SIGINT);
  BOOST_TEST(finish(folder, child).status == 130);
  BOOST_TEST(slurp(folder / "a" / "attack.h5") == before);
}

BOOST_AUTO_TEST_CASE(ctrl_c_saves_and_resume_ends_where_an_undisturbed_run_ends) {
  const TempFolder folder;
  const std::string whole = (folder / "whole").string(), cut = (folder / "cut").string();
  const auto arguments = [&](const std::string& out) {
    std::vector<std::string> all = tiny_train("digits-mlp", "synthetic", out);
    all.insert(all.end(), {"--steps", "400", "--checkpoint_every", "7"});
    return all;
  };
  // --steps is given twice above: the last one counts.
  BOOST_REQUIRE(invoke(folder, arguments(whole)).status == 0);
  const pid_t child = start(folder, arguments(cut));
  while (!std::filesystem::exists(folder / "cut" / "checkpoint.h5"))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(child, SIGINT);
  const Outcome stopped = finish(folder, child);
  BOOST_TEST((stopped.status == 130 || stopped.status == 0));
  const Outcome resumed = invoke(folder, {"train", "--resume", cut});
  BOOST_TEST(resumed.status == 0, resumed.err);
  const auto a = taut::io::load_run_checkpoint(whole, "last"),
             b = taut::io::load_run_checkpoint(cut, "last");
  BOOST_TEST(a.step == b.step);
  BOOST_TEST(a.optimizer.size() == b.optimizer.size());
  for (const auto& [name, tensor] : a.optimizer)
    BOOST_TEST(at::equal(tensor, b.optimizer.at(name)), name);
  std::vector<at::Tensor> weights;
  taut::models::for_each_tensor(a.network, [&](const std::string&, const at::Tensor& w,
                                               taut::models::Role) { weights.push_back(w); });
  size_t i = 0;
  taut::models::for_each_tensor(
      b.network, [&](const std::string& path, const at::Tensor& w, taut::models::Role) {
        BOOST_TEST(at::equal(w, weights.at(i)), path);
        ++i;
      });
}

BOOST_AUTO_TEST_CASE(print_config_is_complete_and_reads_back) {
  const TempFolder folder;
  const Outcome first =
      call(folder, {"train", "digits-vit", "--seed", "7", "--model.width", "32", "--print-config"});
  BOOST_REQUIRE(first.status == 0);
  BOOST_TEST(holds(first.out, "seed = 7"));
  BOOST_TEST(holds(first.out, "width = 32"));
  std::ofstream(folder / "again.toml") << first.out;
  const Outcome second =
      call(folder, {"train", (folder / "again.toml").string(), "--print-config"});
  BOOST_TEST(second.status == 0, second.err);
  BOOST_TEST(second.out == first.out);
  for (const char* verb : {"certify", "attack", "compare", "inspect"}) {
    const Outcome printed = call(folder, {verb, "--print-config"});
    BOOST_TEST(printed.status == 0, verb << ": " << printed.err);
    BOOST_TEST(holds(printed.out, "checkpoint = \"best\""), verb);
  }
}

// With two slices, so that two processes repeat one.
BOOST_AUTO_TEST_CASE(every_preset_is_a_configuration) {
  const TempFolder folder;
  for (const auto& [name, text] : taut::cli::presets()) {
    const Outcome printed = call(folder, {"train", name, "--print-config"});
    BOOST_TEST(printed.status == 0, name << ": " << printed.err);
    BOOST_TEST(holds(printed.out, "\nslices = 2\n"), name << ": " << printed.out);
  }
}

// In small, on data made in memory; those of sentences want theirs.
BOOST_AUTO_TEST_CASE(every_preset_trains_and_is_certified) {
  for (const auto& [name, text] : taut::cli::presets()) {
    if (name.starts_with("sst2")) continue;
    const TempFolder folder;
    const std::string run = (folder / "run").string();
    const bool images = !holds(text, "name = \"gpt\"");
    std::vector<std::string> words = tiny_train(name, images ? "synthetic" : "synthetic_text", run);
    if (!holds(name, "mlp")) words.insert(words.end(), {"--model.blocks", "1"});
    if (holds(name, "nanogpt")) words.insert(words.end(), {"--data.vocabulary", "512"});
    const Outcome trained = call(folder, words);
    BOOST_TEST(trained.status == 0, name << ": " << trained.err);
    const Outcome certified = call(folder, {"certify", run, "--examples", "2"});
    BOOST_TEST(certified.status == 0, name << ": " << certified.err);
  }
}

BOOST_AUTO_TEST_CASE(help_and_version_go_to_stdout) {
  const TempFolder folder;
  const Outcome help = invoke(folder, {"--help"});
  BOOST_TEST(help.status == 0);
  for (const char* verb : {"train", "certify", "attack", "compare", "inspect", "data"}) {
    BOOST_TEST(holds(help.out, verb));
    const Outcome one = call(folder, {verb, "--help"});
    BOOST_TEST(one.status == 0);
    BOOST_TEST(lines_of(one.out) > 3);
  }
  const Outcome version = invoke(folder, {"--version"});
  BOOST_TEST(version.status == 0);
  for (const char* part : {"torch", "hdf5", "blas", "cuda"}) BOOST_TEST(holds(version.out, part));
  BOOST_TEST(invoke(folder, {"data", "list"}).status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
