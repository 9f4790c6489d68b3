#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "src/io/io.hpp"
#include "tests/cli/forked.hpp"

using namespace taut::test;

namespace {

std::vector<std::string> dry(std::vector<std::string> words, const std::string& more = "") {
  words.push_back("--dry-run");
  if (!more.empty()) words.push_back(more);
  return words;
}

// Names and bytes of everything in a folder.
std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = file.path().lexically_relative(folder).string();
    if (file.is_regular_file() && name != "out" && name != "err") all[name] = slurp(file.path());
  }
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dry_run_test)

BOOST_AUTO_TEST_CASE(a_dry_run_writes_nothing_and_leaves_a_run_as_it_was) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  const auto words = tiny_train("digits-vit", "synthetic", run);
  done(call(folder, dry(words)));
  BOOST_TEST(contents(folder.path()).empty());
  BOOST_TEST(!std::filesystem::exists(run));
  done(call(folder, words));
  const auto before = contents(folder.path());
  done(call(folder, dry(words)));
  done(call(folder, dry(words, "--force")));
  BOOST_TEST((contents(folder.path()) == before));
}

BOOST_AUTO_TEST_CASE(figures_are_those_of_the_run) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  auto words = tiny_train("digits-vit", "synthetic", run);
  const auto figures = nlohmann::json::parse(done(call(folder, dry(words, "--json"))).out);
  int64_t roles = 0;
  for (const auto& [role, count] : figures.at("roles").items()) roles += count.get<int64_t>();
  BOOST_TEST(roles == figures.at("parameters").get<int64_t>());
  BOOST_TEST(figures["bytes"]["weights"].get<int64_t>() == 4 * roles);
  BOOST_TEST(figures["bytes"]["process"].get<int64_t>() > figures["bytes"]["peak"].get<int64_t>());
  BOOST_TEST(figures["steps_timed"].get<int64_t>() >= 3);
  BOOST_TEST(figures["estimated_seconds"].get<double>() ==
             30 * figures["step_seconds"].get<double>());
  BOOST_TEST(figures["flops"]["backward"].get<double>() >
             figures["flops"]["forward"].get<double>());
  BOOST_TEST(figures["norms"] == "l2, pixels in [0, 1] -> l2, last hidden token");
  // The network before its first step: trained with a rate that moves nothing, it is still there.
  words.insert(words.end(), {"--optimizer.lr", "1e-30"});
  done(call(folder, words));
  const auto last = taut::io::load_run_checkpoint(run, "last");
  BOOST_TEST(figures["log10_bound"].get<double>() == last.numbers.at("log10_bound"),
             boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(the_table_says_what_was_measured_and_what_is_an_estimate) {
  const TempFolder folder;
  const auto words = tiny_train("shakespeare-gpt", "synthetic_text", (folder / "x").string());
  const Outcome table = done(call(folder, dry(words)));
  for (const char* part :
       {"parameters", "  embedding", "optimizer state", "kept by the forward pass",
        "matrix products of a step", "  backward", "  proofs of the caps (fp64, on average)",
        "  caps", "after one to warm up", "30 steps, an estimate",
        "log10 K of the initialised network"}) {
    BOOST_TEST(contains(table.out, part), part);
  }
  BOOST_TEST(table.err.empty(), table.err);
}

BOOST_AUTO_TEST_CASE(margins_and_moved_images_are_counted) {
  const TempFolder folder;
  const auto flops = [&](const std::vector<std::string>& more) {
    auto words = tiny_train("digits-mlp", "synthetic", (folder / "x").string());
    words.insert(words.end(), more.begin(), more.end());
    return nlohmann::json::parse(done(call(folder, dry(words, "--json"))).out).at("flops");
  };
  const auto plain = flops({});
  BOOST_TEST(plain["K in the loss"] == 0);
  BOOST_TEST(plain["PGD in the batch"] == 0);
  const auto margin = flops({"--loss.certified_eps", "0.1"});
  BOOST_TEST(margin["K in the loss"].get<double>() > 0);
  BOOST_TEST(margin["forward"] == plain["forward"]);
  const auto moved = flops({"--loss.adversarial_eps", "0.1"});
  BOOST_TEST(moved["PGD in the batch"].get<double>() > 4 * plain["forward"].get<double>());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_trained_cannot_be_rehearsed) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  auto words = tiny_train("digits-vit", "synthetic", run);
  words.insert(words.end(), {"--model.heads", "5"});
  refused(call(folder, dry(words)), "heads");
  auto lost = tiny_train("digits-mlp", "synthetic", run);
  lost.insert(lost.end(), {"--loss.certified_eps", "0.1", "--loss.threat", "every_token"});
  refused(call(folder, dry(lost)), "every_token");
  done(call(folder, tiny_train("digits-mlp", "synthetic", run)));
  refused(call(folder, {"train", "--resume", run, "--dry-run"}), "--dry-run");
  refused(call(folder, {"train", "--dry-run"}), "CONFIG");
}

BOOST_AUTO_TEST_SUITE_END()
