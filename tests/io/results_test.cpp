#include <boost/test/unit_test.hpp>

#include "tests/io/sample.hpp"
#include "tests/io/tamper.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
using attacks::AttackResult;
using certify::Certificate;

Certificate sample_certificate() {
  Certificate c;
  c.weights = {{"blocks.0.attention.query.weight", 0, 0.99, 1.0},
               {"blocks.0.attention.query.weight", 1, 0.5, 0.5},
               {"head.weight", 0, 0, kInf}};
  c.example = at::tensor({0, 0, 1}, at::kLong);
  c.position = at::tensor({0, 1, 0}, at::kLong);
  c.label = at::tensor({3, 4, 5}, at::kLong);
  c.prediction = at::tensor({3, 0, 5}, at::kLong);
  c.margin = at::tensor({0.5, -1.0, kInf}, at::kDouble);
  c.embedding_rms = 1.25;
  c.seconds = 2.5;
  c.provenance = {{"config", "x"}, {"seed", "1"}};
  const InputSpec tokens{InputKind::tokens, 0, 0, 0, 0, 1, 5, 7};
  for (const char* name : {"one_token", "every_token", "l2"}) {
    c.threats.push_back({parse_threat(name, tokens), 3.5, 0.54, 7.25,
                         at::tensor({0.1, 0.0, kInf}, at::kDouble),
                         at::tensor({0.09, 0.0, kInf}, at::kDouble)});
  }
  c.threats.back().constant = kInf;
  c.threats.back().log10_constant = 400;
  return c;
}

AttackResult sample_attack(const char* threat) {
  AttackResult r;
  r.threat = parse_threat(threat, {InputKind::pixels, 1, 2, 2, -1, 2.5, 0, 0});
  r.eps = {0.0, 0.1, 0.5};
  r.example = at::tensor({4, 5}, at::kLong);
  r.position = at::tensor({0, 0}, at::kLong);
  r.label = at::tensor({1, 2}, at::kLong);
  r.prediction = at::tensor({1, 1}, at::kLong);
  r.success = at::tensor({0, 1, 0, 1, 1, 1}, at::kByte).view({3, 2}).to(at::kBool);
  r.radius = at::tensor({0.3, kInf}, at::kDouble);
  r.radius_confirmed = at::tensor({0.4, kInf}, at::kDouble);
  r.adversarial = at::randn({2, 1, 2, 2}, make_generator(4));
  r.adversarial_confirmed = at::randn({2, 1, 2, 2}, make_generator(5));
  r.gradients = 1234;
  r.seconds = 0.5;
  r.provenance = {{"loss", "margin"}};
  return r;
}

void check_same(const Certificate& a, const Certificate& b) {
  BOOST_TEST_REQUIRE(a.weights.size() == b.weights.size());
  for (size_t i = 0; i < a.weights.size(); ++i) {
    BOOST_TEST(a.weights[i].path == b.weights[i].path);
    BOOST_TEST(a.weights[i].block == b.weights[i].block);
    BOOST_TEST(same(a.weights[i].lower, b.weights[i].lower));
    BOOST_TEST(same(a.weights[i].upper, b.weights[i].upper));
  }
  BOOST_TEST(same(a.example, b.example));
  BOOST_TEST(same(a.position, b.position));
  BOOST_TEST(same(a.label, b.label));
  BOOST_TEST(same(a.prediction, b.prediction));
  BOOST_TEST(same(a.margin, b.margin));
  BOOST_TEST(same(a.embedding_rms, b.embedding_rms));
  BOOST_TEST(same(a.seconds, b.seconds));
  BOOST_TEST((a.provenance == b.provenance));
  BOOST_TEST_REQUIRE(a.threats.size() == b.threats.size());
  for (size_t i = 0; i < a.threats.size(); ++i) {
    BOOST_TEST((a.threats[i].threat == b.threats[i].threat));
    BOOST_TEST(same(a.threats[i].constant, b.threats[i].constant));
    BOOST_TEST(same(a.threats[i].log10_constant, b.threats[i].log10_constant));
    BOOST_TEST(a.threats[i].logit_constant == b.threats[i].logit_constant);
    BOOST_TEST(same(a.threats[i].radius, b.threats[i].radius));
    BOOST_TEST(same(a.threats[i].radius_deployed, b.threats[i].radius_deployed));
  }
}

void check_same(const AttackResult& a, const AttackResult& b) {
  BOOST_TEST((a.threat == b.threat));
  BOOST_TEST(a.eps == b.eps);
  BOOST_TEST(same(a.example, b.example));
  BOOST_TEST(same(a.position, b.position));
  BOOST_TEST(same(a.label, b.label));
  BOOST_TEST(same(a.prediction, b.prediction));
  BOOST_TEST(same(a.success, b.success));
  BOOST_TEST(same(a.radius, b.radius));
  BOOST_TEST(same(a.adversarial, b.adversarial));
  BOOST_TEST(same(a.radius_confirmed, b.radius_confirmed));
  BOOST_TEST(same(a.adversarial_confirmed, b.adversarial_confirmed));
  BOOST_TEST(same(a.embedding_rms, b.embedding_rms));
  BOOST_TEST(a.gradients == b.gradients);
  BOOST_TEST(same(a.seconds, b.seconds));
  BOOST_TEST((a.provenance == b.provenance));
}

// Error texts of saving after `change`; nothing may have been written.
template <class Change>
std::string refused(Change&& change) {
  const TempFolder folder;
  Certificate c = sample_certificate();
  change(c);
  const std::string text = error_of([&] { io::save_certificate(folder / "c.h5", c); });
  BOOST_TEST(entries(folder.path()) == 0u);
  return text;
}

template <class Change>
std::string refused_attack(Change&& change) {
  const TempFolder folder;
  AttackResult r = sample_attack("l2");
  change(r);
  const std::string text = error_of([&] { io::save_attacks(folder / "a.h5", {r}); });
  BOOST_TEST(entries(folder.path()) == 0u);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(results_test)

BOOST_AUTO_TEST_CASE(certificates_come_back_bit_for_bit) {
  const TempFolder folder;
  io::save_certificate(folder / "certificate.h5", sample_certificate());
  check_same(sample_certificate(), io::load_certificate(folder / "certificate.h5"));
  Certificate empty;
  empty.example = empty.position = empty.label = empty.prediction = at::empty({0}, at::kLong);
  empty.margin = at::empty({0}, at::kDouble);
  io::save_certificate(folder / "certificate.h5", empty);
  check_same(empty, io::load_certificate(folder / "certificate.h5"));
}

BOOST_AUTO_TEST_CASE(attacks_come_back_bit_for_bit) {
  const TempFolder folder;
  const std::vector<AttackResult> saved = {sample_attack("linf"), sample_attack("l2")};
  io::save_attacks(folder / "attack.h5", saved);
  const std::vector<AttackResult> loaded = io::load_attacks(folder / "attack.h5");
  BOOST_TEST_REQUIRE(loaded.size() == 2u);
  for (size_t i = 0; i < 2; ++i) check_same(saved[i], loaded[i]);
  AttackResult sequence = sample_attack("l2");
  sequence.threat = parse_threat("every_token", {InputKind::tokens, 0, 0, 0, 0, 1, 5, 7});
  sequence.eps.clear();
  sequence.success = at::empty({0, 2}, at::kBool);
  io::save_attacks(folder / "attack.h5", {sequence});
  check_same(sequence, io::load_attacks(folder / "attack.h5").front());
  io::save_attacks(folder / "attack.h5", {});
  BOOST_TEST(io::load_attacks(folder / "attack.h5").empty());
}

BOOST_AUTO_TEST_CASE(certificates_that_make_no_sense_are_refused) {
  const auto nan = at::tensor({0.1, NAN, 0.2}, at::kDouble);
  BOOST_TEST(contains(refused([&](Certificate& c) { c.threats[1].radius = nan; }),
                      "c.h5: every_token: radius holds NaN"));
  BOOST_TEST(contains(refused([&](Certificate& c) { c.threats[0].radius_deployed = nan; }),
                      "radius_deployed holds NaN"));
  BOOST_TEST(contains(refused([&](Certificate& c) { c.threats[0].radius = -nan.nan_to_num(1); }),
                      "negative"));
  BOOST_TEST(refused([](Certificate& c) { c.threats[0].constant = NAN; }) != "");
  BOOST_TEST(refused([](Certificate& c) { c.threats[0].log10_constant = NAN; }) != "");
  BOOST_TEST(refused([](Certificate& c) { c.threats[0].logit_constant = -1; }) != "");
  BOOST_TEST(refused([](Certificate& c) { c.threats[0].radius = at::ones({3}); }) != "");
  BOOST_TEST(refused([](Certificate& c) { c.threats[0].radius = at::ones({2}, at::kDouble); }) !=
             "");
  BOOST_TEST(refused([](Certificate& c) { c.label = at::ones({2}, at::kLong); }) != "");
  BOOST_TEST(refused([](Certificate& c) { c.margin = Tensor(); }) != "");
  BOOST_TEST(refused([](Certificate& c) { c.example = c.example.view({3, 1}); }) != "");
  BOOST_TEST(refused([](Certificate& c) { c.weights[0].lower = 2; }) != "");
  BOOST_TEST(refused([](Certificate& c) { c.weights[0].upper = NAN; }) != "");
  BOOST_TEST(refused([](Certificate& c) { c.threats.push_back(c.threats[0]); }) != "");
}

BOOST_AUTO_TEST_CASE(attacks_that_make_no_sense_are_refused) {
  BOOST_TEST(contains(refused_attack([](AttackResult& r) { r.radius[0] = NAN; }),
                      "a.h5: l2: radius holds NaN"));
  BOOST_TEST(refused_attack([](AttackResult& r) { r.radius[0] = -1; }) != "");
  BOOST_TEST(refused_attack([](AttackResult& r) { r.eps[0] = NAN; }) != "");
  BOOST_TEST(refused_attack([](AttackResult& r) { r.eps[0] = -1; }) != "");
  BOOST_TEST(refused_attack([](AttackResult& r) { r.eps.pop_back(); }) != "");
  BOOST_TEST(refused_attack([](AttackResult& r) { r.success = r.success.t(); }) != "");
  BOOST_TEST(contains(refused_attack([](AttackResult& r) { r.radius_confirmed[0] = 0.2; }),
                      "radius_confirmed >= radius"));
  BOOST_TEST(refused_attack([](AttackResult& r) { r.adversarial = at::ones({3, 4}); }) != "");
  BOOST_TEST(refused_attack([](AttackResult& r) { r.adversarial = Tensor(); }) != "");
  BOOST_TEST(refused_attack([](AttackResult& r) { r.radius_confirmed[0] = NAN; }) != "");
  BOOST_TEST(refused_attack([](AttackResult& r) { r.adversarial_confirmed = Tensor(); }) != "");
  BOOST_TEST(refused_attack([](AttackResult& r) { r.position = at::ones({3}, at::kLong); }) != "");
  BOOST_TEST(refused_attack([](AttackResult& r) { r.gradients = -1; }) != "");
  const TempFolder folder;
  BOOST_CHECK_THROW(io::save_attacks(folder / "a.h5", {sample_attack("l2"), sample_attack("l2")}),
                    Error);
}

BOOST_AUTO_TEST_CASE(tampered_results_are_refused) {
  const TempFolder folder;
  const auto refusal = [&](auto change) {
    io::save_certificate(folder / "c.h5", sample_certificate());
    tamper(folder / "c.h5", change);
    return error_of([&] { io::load_certificate(folder / "c.h5"); });
  };
  BOOST_TEST(refusal([](hid_t) {}) == "");
  BOOST_TEST(contains(refusal([](hid_t f) { overwrite(f, "threats/l2/radius", NAN); }),
                      "c.h5: l2: radius holds NaN"));
  BOOST_TEST(
      contains(refusal([](hid_t f) { replace_integer(f, "/", "version", 9); }), "version 9"));
  BOOST_TEST(
      contains(refusal([](hid_t f) { H5Ldelete(f, "rows/margin", H5P_DEFAULT); }), "missing"));
  BOOST_TEST(contains(refusal([](hid_t f) { replace_text(f, "threats/l2", "space", "time"); }),
                      "unknown space 'time'"));
  BOOST_TEST(contains(
      refusal([](hid_t f) { H5Lmove(f, "threats/l2", f, "threats/l3", H5P_DEFAULT, H5P_DEFAULT); }),
      "unknown threat"));
  const int64_t blocks[2] = {0, 0};
  BOOST_TEST(contains(refusal([&](hid_t f) {
                        H5Ldelete(f, "weights/block", H5P_DEFAULT);
                        add_dataset(f, "weights/block", H5T_STD_I64LE, {2}, H5P_DEFAULT, blocks);
                      }),
                      "block"));
  io::save_attacks(folder / "a.h5", {sample_attack("l2")});
  tamper(folder / "a.h5", [](hid_t f) { replace_number(f, "threats/l2", "box_low", 9); });
  BOOST_TEST(contains(error_of([&] { io::load_attacks(folder / "a.h5"); }), "box_low < box_high"));
  const std::string other = error_of([&] { io::load_attacks(folder / "c.h5"); });
  BOOST_TEST(contains(other, "expected a taut attacks, got the format 'taut certificate'"), other);
}

BOOST_AUTO_TEST_SUITE_END()
