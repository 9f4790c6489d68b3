#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "certify/certify.hpp"
#include "certify/effect.hpp"
#include "tests/certify/networks.hpp"

// Layers and networks in which a difference is stretched as far as one term of a rule allows: a
// rule without that term is broken here. Random layers stay far below their bounds and would not
// notice.
using namespace taut;
using namespace taut::certify;
using namespace taut::models;

namespace {

at::Tensor row(std::initializer_list<double> values) {
  return at::tensor(std::vector<double>(values), at::kDouble);
}

// One head of width 1 on tokens of width d: q = query x + bias, k = key x, v = value x.
Attention head(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
               double bias) {
  const int64_t d = query.numel();
  Attention a;
  a.query = query.view({1, 1, d});
  a.key = key.view({1, 1, d});
  a.value = value.view({1, 1, d});
  if (bias != 0) a.query_bias = at::full({1, 1}, bias, at::kDouble);
  a.output = at::zeros({d, 1}, at::kDouble);
  a.output[0][0] = 1;
  return a;
}

// d(layer)/dx along v, by a central difference: (n, d)
at::Tensor derivative(const Attention& a, const at::Tensor& x, const at::Tensor& v) {
  const at::NoGradGuard no_grad;
  const double h = 1e-6;
  const auto at_point = [&](const at::Tensor& p) {
    return models::apply(Layer{"a", a}, p.unsqueeze(0))[0];
  };
  return (at_point(x + h * v) - at_point(x - h * v)) / (2 * h);
}

Effect bound_of(const Attention& a, int64_t tokens, double size) {
  const Network network = test::alone(a);
  return effect(a, Norms(network), {tokens, a.query.size(2)}, Upper(size));
}

double largest_token(const at::Tensor& x) { return x.norm(2, -1).max().item<double>(); }

Network text_network(std::vector<Layer> after, int64_t tokens) {
  Network network;
  network.input = {InputKind::tokens, 0, 0, 0, 0, 1, tokens, 2};
  network.layers.push_back({"embedding", Embedding{at::eye(2, at::kDouble)}});
  for (Layer& layer : after) network.layers.push_back(std::move(layer));
  network.layers.push_back({"head", Linear{at::eye(2, at::kDouble), {}}});
  return network;
}

double constant_of(const Network& network, Norm norm) {
  const Space space = network.input.kind == InputKind::tokens ? Space::embedding : Space::pixels;
  std::optional<Box> box;
  if (space == Space::pixels) box = Box{0, 1};
  return propagate(network, Norms(network), {space, norm, box}, 0, kFloat32).hidden.max.value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(closed_form_test)

// Tokens at +-1 on a line, in numbers that give either side half of the attention of a query at +1.
// Moving the query and all keys apart changes the logits by 2 B: the output moves by 2 B, B =
// s/d_h.
BOOST_AUTO_TEST_CASE(queries_and_keys_both_move_the_scores) {
  const double b = 1.5;
  const auto copies = static_cast<int64_t>(std::lround(std::exp(2 * b)));
  Attention a = head(row({1}), row({1}), row({1}), 0);
  a.logit_scale = b;
  at::Tensor x = -at::ones({copies + 1, 1}, at::kDouble),
             v = -at::ones({copies + 1, 1}, at::kDouble);
  x[0][0] = v[0][0] = 1;
  const double seen = derivative(a, x, v)[0].abs().item<double>();
  const double ours = bound_of(a, copies + 1, 1).max.value();
  BOOST_TEST(seen > 1.9 * b);
  BOOST_TEST(seen <= ours);
  BOOST_TEST(std::abs(ours - (1 + 2 * b)) < 1e-9);
}

// The query is a bias alone; keys and values read different entries.
BOOST_AUTO_TEST_CASE(a_query_bias_lengthens_what_keys_are_measured_by) {
  const double bias = 5;
  const Attention a = head(row({0, 0}), row({0, 1}), row({1, 0}), bias);
  const at::Tensor x = at::stack({row({1, 0}), row({-1, 0})});
  const at::Tensor v = at::stack({row({0, 1}), row({0, -1})});
  const double seen = largest_token(derivative(a, x, v)) / largest_token(v);
  BOOST_TEST(std::abs(seen - bias) < 1e-4);
  BOOST_TEST(seen <= bound_of(a, 2, 1).max.value());
}

// A key that is its bias alone: by itself it would cancel, turned by half a turn at the second
// position it does not.
BOOST_AUTO_TEST_CASE(a_key_bias_counts_where_keys_are_turned) {
  const double bias = 5;
  const at::Tensor none = at::zeros({2}, at::kDouble), query = row({0, 1});
  Attention a;
  a.query = at::stack({query, none}).unsqueeze(0);
  a.key = at::zeros({1, 2, 2}, at::kDouble);
  a.value = at::stack({row({1, 0}), none}).unsqueeze(0);
  a.key_bias = row({bias, 0}).unsqueeze(0);
  a.output = at::eye(2, at::kDouble);
  a.logit_scale = 2;  // over d_head
  a.rotary = at::stack({row({1, 0}), row({-1, 0})}).unsqueeze(1);
  const at::Tensor x = at::stack({row({1, 0}), row({-1, 0})});
  const at::Tensor v = at::stack({row({0, 1}), row({0, 1})});
  const double seen = largest_token(derivative(a, x, v)) / largest_token(v);
  BOOST_TEST(std::abs(seen - bias) < 1e-4);
  BOOST_TEST(seen <= bound_of(a, 2, 1).max.value());
  a.rotary = at::Tensor();
  BOOST_TEST(bound_of(a, 2, 1).max.value() < 1 + 1e-9);
}

// A stored table that lengthens every pair by 1.5 lengthens queries and keys alike.
BOOST_AUTO_TEST_CASE(a_table_that_is_no_rotation_is_paid_for) {
  Attention a;
  for (at::Tensor* w : {&a.query, &a.key, &a.value}) *w = at::eye(2, at::kDouble).unsqueeze(0);
  a.output = at::eye(2, at::kDouble);
  a.logit_scale = 2;
  a.rotary = at::stack({row({1.5, 0}), row({1.5, 0})}).unsqueeze(1);
  BOOST_TEST(std::abs(bound_of(a, 2, 1).max.value() - (1 + 2 * 2.25)) < 1e-8);
}

// RMS norm divides by sqrt(eps) near the origin, and no query is longer than sqrt(d) behind it.
BOOST_AUTO_TEST_CASE(normalised_queries_are_steep_and_short) {
  Attention a = head(row({1, 0}), row({1, 0}), row({1, 0}), 0);
  a.query_key_eps = 0.25;
  // F = G = slope 2, partner's norm min(1, 2 size).
  BOOST_TEST(std::abs(bound_of(a, 2, 3).max.value() - (1 + 2 * 2 * 3)) < 1e-9);
  BOOST_TEST(std::abs(bound_of(a, 2, 0.1).max.value() - (1 + 2 * 2 * 0.2 * 0.1)) < 1e-9);
  a.query_key_clamp = 0.5;
  BOOST_TEST(std::abs(bound_of(a, 2, 3).max.value() - (1 + 2 * 2 * 0.5 * 3)) < 1e-9);
}

BOOST_AUTO_TEST_CASE(a_squared_relu_is_twice_as_steep_as_its_longest_token) {
  const Network network = test::alone(Activation{Curve::relu_squared, 3});
  const auto& l = std::get<Activation>(network.layers[0].kind);
  const Effect e = effect(l, Norms(network), {1, 4}, Upper(5));
  BOOST_TEST(e.size.value() >= 75.0);
  BOOST_TEST(e.size.value() <= 75.0 * (1 + 1e-12));
  BOOST_TEST(e.max.value() >= 30.0);
  BOOST_TEST(e.max.value() <= 30.0 * (1 + 1e-12));
}

// Equal heads add up as a root of squares: one token, so attention is the identity.
BOOST_AUTO_TEST_CASE(heads_add_up) {
  const int64_t heads = 9;
  Attention a = head(row({1}), row({1}), row({1}), 0);
  a.logit_scale = 1e-9;
  for (at::Tensor* w : {&a.query, &a.key, &a.value}) *w = w->repeat({heads, 1, 1});
  a.output = at::full({1, heads}, 1.0 / 3, at::kDouble);
  const at::Tensor x = at::ones({1, 1}, at::kDouble);
  const double seen = derivative(a, x, x).abs().item<double>();
  BOOST_TEST(std::abs(seen - 3) < 1e-6);
  for (const Upper bound :
       {bound_of(a, 1, 1).max, bound_of(a, 1, 1).frobenius, bound_of(a, 1, 1).sum}) {
    BOOST_TEST(seen <= bound.value() * (1 + 1e-9));
  }
}

// A position bias can turn all n queries to one key: its value then moves every output.
BOOST_AUTO_TEST_CASE(one_key_can_collect_all_attention) {
  const int64_t n = 9;
  Attention a = head(row({0}), row({0}), row({1}), 0);
  a.causal = true;
  a.position_bias = at::arange(n, at::kDouble).view({1, n}) * 60;
  at::Tensor v = at::zeros({n, 1}, at::kDouble);
  v[0][0] = 1;
  const at::Tensor moved = derivative(a, at::zeros({n, 1}, at::kDouble), v);
  const Effect bound = bound_of(a, n, 1);
  BOOST_TEST(std::abs(moved.norm().item<double>() - 3) < 1e-6);
  BOOST_TEST(moved.norm().item<double>() <= bound.frobenius.value() * (1 + 1e-9));
  BOOST_TEST(moved.abs().sum().item<double>() <= bound.sum.value() * (1 + 1e-9));
  BOOST_TEST(std::abs(bound.sum.value() - 9) < 1e-9);
  BOOST_TEST(std::abs(bound.max.value() - 1) < 1e-9);
}

BOOST_AUTO_TEST_CASE(both_ways_of_a_residual_count) {
  const Residual residual{0.75, 0.5, {{"same", Linear{at::eye(2, at::kDouble), {}, 3}}}};
  const Network network = text_network({{"residual", residual}}, 3);
  for (const Norm norm : {Norm::every_token, Norm::one_token, Norm::l2}) {
    BOOST_TEST(std::abs(constant_of(network, norm) - (0.75 + 0.5 * 3)) < 1e-9);
    BOOST_TEST(constant_of(network, norm) >= 0.75 + 0.5 * 3);
  }
}

// The mean of n tokens moves as far as all of them, by 1 / n with one, by 1 / sqrt(n) in l2.
BOOST_AUTO_TEST_CASE(pooling_meets_each_threat) {
  // The layer in between makes the three constants bound each other once more.
  const Layer same{"same", Linear{at::eye(2, at::kDouble), {}}};
  const Network network = text_network({same, {"pool", Pool{}}}, 16);
  const auto meets = [&](Norm norm, double exact) {
    BOOST_TEST(constant_of(network, norm) >= exact);
    BOOST_TEST(constant_of(network, norm) <= exact * (1 + 1e-9));
  };
  meets(Norm::every_token, 1);
  meets(Norm::one_token, 1.0 / 16);
  meets(Norm::l2, 0.25);
}

// Pixels over a deviation of 1/4, in patches of four, pooled: all pixels of one sign.
BOOST_AUTO_TEST_CASE(patches_and_deviations_meet_each_threat) {
  Network network;
  network.input = {InputKind::pixels, 1, 4, 4, 0, 1, 0, 0};
  network.layers = {{"normalize", PixelNormalize{row({0.5}), row({0.25})}},
                    {"patchify", Patchify{2}},
                    {"pool", Pool{}},
                    {"head", Linear{at::eye(4, at::kDouble), {}}}};
  // linf: every token moves by 4 sqrt(4) eps; l2: spread evenly, 4 / sqrt(4 tokens).
  BOOST_TEST(constant_of(network, Norm::linf) >= 8.0);
  BOOST_TEST(constant_of(network, Norm::linf) <= 8.0 * (1 + 1e-9));
  BOOST_TEST(constant_of(network, Norm::l2) >= 2.0);
  BOOST_TEST(constant_of(network, Norm::l2) <= 2.0 * (1 + 1e-9));
}

// What enters the size of tokens enters the scores: longer embeddings, a position row, a larger
// eps.
BOOST_AUTO_TEST_CASE(everything_that_lengthens_a_token_is_counted) {
  const Attention a = head(row({1, 0}), row({1, 0}), row({1, 0}), 0);
  const Position far{at::full({3, 2}, 2, at::kDouble)};
  const auto constant = [&](std::vector<Layer> layers, double eps) {
    const Network network = text_network(std::move(layers), 3);
    return propagate(network, Norms(network), {Space::embedding, Norm::every_token, {}}, eps,
                     kFloat32)
        .hidden.max.value();
  };
  // 1 + 2 N^2 with N = 1, 1 + sqrt(8), 1 + eps.
  BOOST_TEST(std::abs(constant({{"a", a}}, 0) - 3) < 1e-6);
  const double n = 1 + std::sqrt(8.0);
  BOOST_TEST(std::abs(constant({{"far", far}, {"a", a}}, 0) - (1 + 2 * n * n)) < 1e-6);
  BOOST_TEST(std::abs(constant({{"a", a}}, 0.5) - (1 + 2 * 1.5 * 1.5)) < 1e-6);
  BOOST_TEST(std::abs(constant({{"c", BallClamp{0.5}}, {"a", a}}, 9) - (1 + 2 * 0.5)) < 1e-6);
}

BOOST_AUTO_TEST_SUITE_END()
