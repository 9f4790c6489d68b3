#include <boost/test/unit_test.hpp>

#include <cmath>

#include "tests/models/sample.hpp"

// Attention against plain loops that follow the formulas of models/network.hpp.
using namespace taut;
using namespace taut::test;

namespace {

using Row = std::vector<double>;

Tensor draw64(at::IntArrayRef shape, at::Generator& g) { return at::randn(shape, g, at::kDouble); }

// W x + b of one head
Row project(const Tensor& weight, const Tensor& bias, int64_t head, const Tensor& x) {
  Row y(static_cast<size_t>(weight.size(1)));
  for (int64_t r = 0; r < weight.size(1); ++r) {
    double sum = bias.defined() ? bias[head][r].item<double>() : 0;
    for (int64_t c = 0; c < weight.size(2); ++c)
      sum += at3(weight, head, r, c) * x[c].item<double>();
    y[static_cast<size_t>(r)] = sum;
  }
  return y;
}

double dot(const Row& a, const Row& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double rms(const Row& x) { return std::sqrt(dot(x, x) / static_cast<double>(x.size())); }

// A query or key at `position`, normalised, clamped and turned where the layer says so.
Row prepared(const Attention& a, Row x, int64_t position) {
  const double length = a.query_key_eps > 0 ? std::hypot(rms(x), std::sqrt(a.query_key_eps)) : 1;
  for (double& entry : x) entry /= length;
  const double excess = a.query_key_clamp > 0 ? std::max(1.0, rms(x) / a.query_key_clamp) : 1;
  for (double& entry : x) entry /= excess;
  if (!a.rotary.defined()) return x;
  const size_t half = x.size() / 2;
  for (size_t k = 0; k < half; ++k) {
    const auto at = static_cast<int64_t>(k);
    const double c = at3(a.rotary, position, at, 0), s = at3(a.rotary, position, at, 1);
    const double first = x[k], second = x[k + half];
    x[k] = first * c + second * s;
    x[k + half] = second * c - first * s;
  }
  return x;
}

// The mixed values of one head at position i of x (tokens, width)
Row mixed(const Attention& a, int64_t head, int64_t i, const Tensor& x) {
  const auto d_head = static_cast<double>(a.query.size(1));
  const Row q = prepared(a, project(a.query, a.query_bias, head, x[i]), i);
  const int64_t last = a.causal ? i : x.size(0) - 1;
  double total = 0;
  Row sum(static_cast<size_t>(a.value.size(1)), 0.0);
  for (int64_t j = 0; j <= last; ++j) {
    const Row k = prepared(a, project(a.key, a.key_bias, head, x[j]), j);
    double logit = a.logit_scale * dot(q, k) / d_head;
    if (a.position_bias.defined()) logit += a.position_bias[head][i - j].item<double>();
    const Row v = project(a.value, a.value_bias, head, x[j]);
    total += std::exp(logit);
    for (size_t r = 0; r < sum.size(); ++r) sum[r] += std::exp(logit) * v[r];
  }
  for (double& s : sum) s /= total;
  return sum;
}

Tensor attention_by_hand(const Attention& a, const Tensor& x) {
  Tensor y = at::zeros_like(x);
  for (int64_t i = 0; i < x.size(0); ++i) {
    Row stacked;
    for (int64_t h = 0; h < a.query.size(0); ++h) {
      for (const double v : mixed(a, h, i, x)) stacked.push_back(v);
    }
    const Tensor column = at::tensor(stacked, at::kDouble);
    y[i] = a.gain * a.output.matmul(column);
    if (a.output_bias.defined()) y[i] += a.output_bias;
  }
  return y;
}

Attention attention(bool causal, at::Generator& g) {
  Attention a = sample_attention(g, causal, 5);
  for (Tensor* t :
       {&a.query, &a.key, &a.value, &a.output, &a.output_bias, &a.query_bias, &a.position_bias}) {
    if (t->defined()) *t = t->to(at::kDouble);
  }
  if (!causal) {
    a.key_bias = draw64({2, 3}, g);
    a.value_bias = draw64({2, 3}, g);
  }
  return a;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attention_test)

BOOST_AUTO_TEST_CASE(attention_mixes_values_by_the_softmax_of_its_logits) {
  at::Generator g = make_generator(3);
  for (const bool causal : {false, true}) {
    const Attention a = attention(causal, g);
    const Tensor x = draw64({2, 5, 6}, g);
    const Tensor y = apply(Layer{"a", a}, x);
    for (int64_t b = 0; b < 2; ++b) {
      BOOST_TEST(largest_difference(y[b], attention_by_hand(a, x[b])) < 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(queries_and_keys_are_normalised_clamped_and_turned_before_they_meet) {
  at::Generator g = make_generator(5);
  for (int parts = 1; parts < 8; ++parts) {
    Attention a;
    for (Tensor* w : {&a.query, &a.key, &a.value}) *w = draw64({2, 4, 6}, g);
    for (Tensor* b : {&a.query_bias, &a.key_bias}) *b = draw64({2, 4}, g);
    a.output = draw64({6, 8}, g);
    a.logit_scale = 3;
    if ((parts & 1) != 0) a.query_key_eps = 0.5;
    if ((parts & 2) != 0) a.query_key_clamp = 0.8;
    if ((parts & 4) != 0) a.rotary = draw64({6, 2, 2}, g);
    const Tensor x = draw64({1, 5, 6}, g);
    BOOST_TEST(largest_difference(apply(Layer{"a", a}, x)[0], attention_by_hand(a, x[0])) < 1e-12);
  }
}

// Logits of turned vectors depend on how far apart they stand, not on where.
BOOST_AUTO_TEST_CASE(rotary_angles_tell_distances) {
  Architecture a;
  a.name = "gpt";
  a.width = 8;
  a.heads = 2;
  a.rotary = 100;
  InputSpec input;
  input.kind = InputKind::tokens;
  input.context = 9;
  input.vocabulary = 5;
  const Network network = build(a, input, 5, make_generator(6));
  const auto& residual = std::get<Residual>(network.layers[2].kind);
  const Tensor table = std::get<Attention>(residual.branch[1].kind).rotary;
  BOOST_TEST_REQUIRE((table.sizes() == at::IntArrayRef{9, 2, 2}));
  for (int64_t t = 0; t < 9; ++t) {
    for (int64_t k = 0; k < 2; ++k) {
      const double angle = static_cast<double>(t) / std::pow(100, static_cast<double>(k) / 2);
      BOOST_TEST(std::abs(at3(table, t, k, 0) - std::cos(angle)) < 1e-7);
      BOOST_TEST(std::abs(at3(table, t, k, 1) - std::sin(angle)) < 1e-7);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_causal_position_reads_nothing_behind_it) {
  at::Generator g = make_generator(4);
  const Network network = converted(sample_text(), at::kDouble);
  const Tensor ids = at::randint(7, {1, 5}, g, at::kLong);
  Tensor other = ids.clone();
  other[0][3] = (ids[0][3] + 1) % 7;
  const Tensor change = (forward(network, ids) - forward(network, other)).abs().amax({0, 2});
  BOOST_TEST(change.narrow(0, 0, 3).max().item<double>() == 0);
  BOOST_TEST(change[3].item<double>() > 0);
  BOOST_TEST(change[4].item<double>() > 0);
}

// More logits than are worked on at once: values and gradients are those of the examples alone.
BOOST_AUTO_TEST_CASE(an_example_fares_among_many_as_alone) {
  at::Generator g = make_generator(5);
  const int64_t tokens = 300;
  Attention a = sample_attention(g, /*causal=*/true, tokens);
  a.position_bias.requires_grad_(true);
  const Tensor x = draw({13, tokens, 6}, g), weight = draw({13, tokens, 6}, g);
  const Layer layer{"a", a};
  const Tensor together = apply(layer, x);
  (together * weight).sum().backward();
  const Tensor gradient = a.position_bias.grad().clone();
  a.position_bias.mutable_grad().reset();
  for (int64_t i = 0; i < x.size(0); ++i) {
    const Tensor alone = apply(layer, x.narrow(0, i, 1));
    BOOST_TEST(largest_difference(together.narrow(0, i, 1), alone) < 1e-5);
    (alone * weight.narrow(0, i, 1)).sum().backward();
  }
  BOOST_TEST(largest_difference(gradient, a.position_bias.grad()) <
             1e-4 * gradient.abs().max().item<double>());
}

BOOST_AUTO_TEST_SUITE_END()
