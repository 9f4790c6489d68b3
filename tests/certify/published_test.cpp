#include "certify/published.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "certify/certify.hpp"
#include "src/core/core.hpp"
#include "tests/certify/networks.hpp"

using namespace taut;
using namespace taut::models;

namespace {

const Threat kEveryToken = parse_threat("every_token", {.kind = InputKind::tokens});

Network with(const Attention& attention, const at::Tensor& table, int64_t tokens) {
  Network network;
  network.input = {InputKind::tokens, 0, 0, 0, 0, 1, tokens, table.size(0)};
  network.layers = {{"embedding", Embedding{table}},
                    {"attention", attention},
                    {"head", Linear{at::eye(table.size(1), at::kDouble), {}}}};
  return network;
}

double top(const at::Tensor& matrix) { return at::linalg_svdvals(matrix)[0].item<double>(); }

// Head h copies entry h of the token that is h back.
Attention copying(int64_t heads) {
  const at::Tensor eye = at::eye(heads, at::kDouble);
  Attention a;
  a.query = a.key = at::zeros({heads, 1, heads}, at::kDouble);
  a.value = eye.unsqueeze(1);
  a.output = eye;
  a.position_bias = 1000 * eye;
  a.causal = true;
  return a;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(published_test)

BOOST_AUTO_TEST_CASE(it_is_the_formula_of_the_paper) {
  at::Generator g = make_generator(3);
  const test::AttentionShape shape{.heads = 2, .d_head = 3, .width = 6, .causal = true, .scale = 2};
  const Attention a = test::attention(shape, g);
  const at::Tensor table = test::normal({5, 6}, g);
  const auto fused = [](const at::Tensor& heads) { return top(heads.flatten(0, 1)); };
  const double rms2 = table.square().mean(1).max().item<double>();
  const double expected =
      a.gain * top(a.output) *
      (fused(a.value) + 2 * a.logit_scale * fused(a.value) * fused(a.query) * fused(a.key) * rms2);
  const double stated = certify::published_log10_constant(with(a, table, 5), kEveryToken);
  BOOST_TEST(stated == std::log10(expected), boost::test_tools::tolerance(1e-9));
}

// Tokens that differ in the entry that their head looks at: sqrt(heads) times the difference comes
// out, where the formula states 1. Ours allows for it.
BOOST_AUTO_TEST_CASE(it_is_broken_by_two_heads_and_ours_is_not) {
  const at::NoGradGuard no_grad;
  for (const int64_t heads : {2, 6}) {
    const Attention a = copying(heads);
    const at::Tensor eye = at::eye(heads, at::kDouble);
    const Network network = with(a, eye, heads);
    // Token `heads - 1 - h` moves along entry h.
    const at::Tensor x = at::zeros({1, heads, heads}, at::kDouble);
    const at::Tensor moved = x + eye.flip(0);
    const Layer layer{"attention", a};
    const double change =
        (models::apply(layer, moved) - models::apply(layer, x))[0][heads - 1].norm().item<double>();
    BOOST_TEST(change == std::sqrt(double(heads)), boost::test_tools::tolerance(1e-12));
    const double stated = certify::published_log10_constant(network, kEveryToken);
    BOOST_TEST(std::fabs(stated) < 1e-9);
    BOOST_TEST(certify::log10_constant(network, kEveryToken) >= std::log10(change));
  }
}

BOOST_AUTO_TEST_CASE(networks_that_it_does_not_speak_of_have_none) {
  at::Generator g = make_generator(4);
  const at::Tensor table = test::normal({5, 6}, g);
  const auto stated = [&](const test::AttentionShape& shape) {
    return certify::published_log10_constant(with(test::attention(shape, g), table, 5),
                                             kEveryToken);
  };
  BOOST_TEST(std::isfinite(stated({})));
  BOOST_TEST(std::isnan(stated({.biases = true})));
  BOOST_TEST(std::isnan(stated({.query_key_clamp = 1})));
  Network network = with(test::attention({}, g), table, 5);
  network.layers.insert(network.layers.begin() + 2, {"norm", Normalize{at::ones({6}), {}}});
  BOOST_TEST(std::isnan(certify::published_log10_constant(network, kEveryToken)));
}

BOOST_AUTO_TEST_SUITE_END()
