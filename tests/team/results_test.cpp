#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/io/io.hpp"
#include "src/io/results.hpp"
#include "tests/team/mpirun.hpp"

using namespace taut;

namespace {

void check_equal(const at::Tensor& a, const at::Tensor& b, const char* what) {
  BOOST_TEST(at::equal(a, b), what);
}

void check_same(const certify::Certificate& a, const certify::Certificate& b) {
  check_equal(a.example, b.example, "example");
  check_equal(a.label, b.label, "label");
  check_equal(a.prediction, b.prediction, "prediction");
  check_equal(a.margin, b.margin, "margin");
  BOOST_TEST_REQUIRE(a.threats.size() == b.threats.size());
  for (size_t i = 0; i < a.threats.size(); ++i) {
    BOOST_TEST(a.threats[i].log10_constant == b.threats[i].log10_constant);
    BOOST_TEST((a.threats[i].radius > 0).any().item<bool>());
    check_equal(a.threats[i].radius, b.threats[i].radius, "radius");
    check_equal(a.threats[i].radius_deployed, b.threats[i].radius_deployed, "radius_deployed");
  }
}

void check_same(const attacks::AttackResult& a, const attacks::AttackResult& b) {
  check_equal(a.example, b.example, "example");
  check_equal(a.position, b.position, "position");
  check_equal(a.prediction, b.prediction, "prediction");
  check_equal(a.success, b.success, "success");
  check_equal(a.radius, b.radius, "radius");
  check_equal(a.radius_confirmed, b.radius_confirmed, "radius_confirmed");
  check_equal(a.adversarial, b.adversarial, "adversarial");
  check_equal(a.adversarial_confirmed, b.adversarial_confirmed, "adversarial_confirmed");
  BOOST_TEST(a.gradients == b.gradients);
  BOOST_TEST(a.radius.isfinite().any().item<bool>());
}

// Certifies and attacks with so many ranks; `batch` divides no number of rows.
void judge(const test::TempFolder& folder, int ranks, const std::string& run) {
  const auto taut = [&](std::vector<std::string> words) {
    words.insert(words.begin(), TAUT_PROGRAM);
    test::done(test::run_ranks(folder, ranks, words));
  };
  taut({"certify", run, "--batch", "30"});
  taut({"attack", run, "--batch", "7", "--examples", "30", "--steps", "4", "--search", "2",
        "--restarts", "2", "--positions", "2"});
}

void check_run(const std::string& preset, const std::string& data) {
  test::TempFolder folder;
  const std::string run = (folder / "run").string();
  test::done(test::invoke(folder, test::tiny_train(preset, data, run)));
  std::vector<certify::Certificate> certificates;
  std::vector<std::vector<attacks::AttackResult>> attacked;
  for (const int ranks : {1, 2, 3}) {
    judge(folder, ranks, run);
    certificates.push_back(io::load_certificate(folder / "run" / "certificate.h5"));
    attacked.push_back(io::load_attacks(folder / "run" / "attack.h5"));
    std::filesystem::remove(folder / "run" / "attack.h5");
    check_same(certificates.front(), certificates.back());
    BOOST_TEST_REQUIRE(attacked.back().size() == attacked.front().size());
    for (size_t i = 0; i < attacked.back().size(); ++i) {
      check_same(attacked.front()[i], attacked.back()[i]);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(results_test)

BOOST_AUTO_TEST_CASE(images_are_certified_and_attacked_as_by_one_process) {
  if (test::no_mpirun()) return;
  check_run("digits-vit", "synthetic");
}

BOOST_AUTO_TEST_CASE(tokens_are_certified_and_attacked_as_by_one_process) {
  if (test::no_mpirun()) return;
  check_run("shakespeare-gpt", "synthetic_text");
}

BOOST_AUTO_TEST_CASE(what_one_rank_sees_to_be_wrong_all_refuse) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  for (const int ranks : {1, 2, 4}) {
    test::done(test::run_ranks(folder, ranks, {TEAM_DRIVER, "refusal"}));
  }
}

BOOST_AUTO_TEST_SUITE_END()
