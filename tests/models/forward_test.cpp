#include <boost/test/unit_test.hpp>

#include <cmath>

#include "tests/models/sample.hpp"

// The forward pass against plain loops that follow the formulas of models/network.hpp.
using namespace taut;
using namespace taut::test;

namespace {

using Row = std::vector<double>;

Tensor draw64(at::IntArrayRef shape, at::Generator& g) { return at::randn(shape, g, at::kDouble); }

double at3(const Tensor& t, int64_t i, int64_t j, int64_t k) { return t[i][j][k].item<double>(); }

double largest_difference(const Tensor& a, const Tensor& b) {
  BOOST_TEST_REQUIRE((a.sizes() == b.sizes()));
  return (a - b).abs().max().item<double>();
}

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

BOOST_AUTO_TEST_SUITE(forward_test)

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

BOOST_AUTO_TEST_CASE(patches_are_read_row_by_row_channel_by_channel) {
  const Tensor image = at::arange(2 * 4 * 6, at::kDouble).view({1, 2, 4, 6});
  const Tensor tokens = apply(Layer{"p", Patchify{2}}, image);
  BOOST_TEST_REQUIRE((tokens.sizes() == at::IntArrayRef{1, 6, 8}));
  // The second patch of the second row: rows 2 and 3, columns 2 and 3, of both channels.
  const Tensor expected = at::tensor({14., 15., 20., 21., 38., 39., 44., 45.}, at::kDouble);
  BOOST_TEST(largest_difference(tokens[0][4], expected) == 0);
  BOOST_TEST(largest_difference(apply(Layer{"p", Patchify{0}}, image), image.view({1, 1, 48})) ==
             0);
}

BOOST_AUTO_TEST_CASE(pixels_are_normalized_by_channel) {
  const Tensor image = at::ones({1, 2, 1, 1}, at::kDouble);
  const PixelNormalize l{at::tensor({0.5, 0.25}, at::kDouble), at::tensor({0.5, 2.0}, at::kDouble)};
  const Tensor y = apply(Layer{"n", l}, image).flatten();
  BOOST_TEST(y[0].item<double>() == 1);
  BOOST_TEST(y[1].item<double>() == 0.375);
}

BOOST_AUTO_TEST_CASE(a_linear_layer_scales_the_product_and_not_the_bias) {
  const Linear l{at::tensor({1., 2., 3., 4.}, at::kDouble).view({2, 2}),
                 at::tensor({10., 20.}, at::kDouble), 3};
  const Tensor y =
      apply(Layer{"l", l}, at::tensor({1., -1.}, at::kDouble).view({1, 1, 2})).flatten();
  BOOST_TEST(y[0].item<double>() == 7);
  BOOST_TEST(y[1].item<double>() == 17);
}

BOOST_AUTO_TEST_CASE(curves_are_those_of_their_names) {
  const Row points{-3, -0.5, 0, 0.5, 3};
  const Tensor x = at::tensor(points, at::kDouble).view({1, 1, 5});
  const Tensor gelu = apply(Layer{"c", Activation{Curve::gelu, 2}}, x).flatten();
  const Tensor relu = apply(Layer{"c", Activation{Curve::relu, 2}}, x).flatten();
  const Tensor abs = apply(Layer{"c", Activation{Curve::abs, 2}}, x).flatten();
  const Tensor silu = apply(Layer{"c", Activation{Curve::silu, 2}}, x).flatten();
  const Tensor curved = apply(Layer{"c", Activation{Curve::gelu_tanh, 2}}, x).flatten();
  const Tensor tanh = apply(Layer{"c", Activation{Curve::tanh, 2}}, x).flatten();
  for (int64_t i = 0; i < 5; ++i) {
    const double p = points[static_cast<size_t>(i)];
    BOOST_TEST(std::abs(gelu[i].item<double>() - p * std::erfc(-p / std::sqrt(2.0))) < 1e-14);
    BOOST_TEST(relu[i].item<double>() == 2 * std::max(p, 0.0));
    BOOST_TEST(abs[i].item<double>() == 2 * std::abs(p));
    BOOST_TEST(std::abs(silu[i].item<double>() - 2 * p / (1 + std::exp(-p))) < 1e-14);
    const double inner = std::sqrt(2 / std::acos(-1.0)) * (p + 0.044715 * p * p * p);
    BOOST_TEST(std::abs(curved[i].item<double>() - p * (1 + std::tanh(inner))) < 1e-14);
    BOOST_TEST(std::abs(tanh[i].item<double>() - 2 * std::tanh(p)) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(max_min_sorts_neighbours) {
  const Tensor x = at::tensor({1., 3., 5., 2.}, at::kDouble).view({1, 1, 4});
  const Tensor y = apply(Layer{"c", Activation{Curve::max_min, -1}}, x).flatten();
  BOOST_TEST(y.equal(at::tensor({-3., -1., -5., -2.}, at::kDouble)));
}

BOOST_AUTO_TEST_CASE(a_clamp_projects_each_token_onto_its_ball) {
  const Tensor x = at::tensor({6., 8., 0.6, 0.8}, at::kDouble).view({1, 2, 2});
  const Tensor y = apply(Layer{"c", BallClamp{2}}, x);
  const double rms = y[0][0].square().mean().sqrt().item<double>();
  BOOST_TEST(std::abs(rms - 2) < 1e-14);
  BOOST_TEST(std::abs(at3(y, 0, 0, 0) / at3(y, 0, 0, 1) - 0.75) < 1e-14);
  BOOST_TEST(largest_difference(y[0][1], x[0][1]) == 0);
}

BOOST_AUTO_TEST_CASE(norms_divide_by_the_deviation_or_the_rms) {
  const Tensor x = at::tensor({1., 2., 6.}, at::kDouble).view({1, 1, 3});
  const Tensor weight = at::tensor({1., 2., 3.}, at::kDouble),
               bias = at::tensor({5., 6., 7.}, at::kDouble);
  const Tensor layer = apply(Layer{"n", Normalize{weight, bias, 0.5, true}}, x).flatten();
  const Tensor rms = apply(Layer{"n", Normalize{weight, Tensor(), 0.5, false}}, x).flatten();
  const double deviation = std::sqrt((4. + 1. + 9.) / 3 + 0.5), root = std::sqrt(41. / 3 + 0.5);
  const Row centered{-2, -1, 3}, plain{1, 2, 6};
  for (int64_t i = 0; i < 3; ++i) {
    const auto s = static_cast<size_t>(i);
    const double w = weight[i].item<double>(), b = bias[i].item<double>();
    BOOST_TEST(std::abs(layer[i].item<double>() - (w * centered[s] / deviation + b)) < 1e-14);
    BOOST_TEST(std::abs(rms[i].item<double>() - w * plain[s] / root) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(a_residual_weighs_the_stream_and_its_branch) {
  const Residual l{
      0.75, 0.5, {{"double", Activation{Curve::relu, 2}}, {"abs", Activation{Curve::abs, 3}}}};
  const Tensor x = at::tensor({2., -4.}, at::kDouble).view({1, 1, 2});
  const Tensor y = apply(Layer{"r", l}, x).flatten();
  BOOST_TEST(y[0].item<double>() == 0.75 * 2 + 0.5 * 12);
  BOOST_TEST(y[1].item<double>() == 0.75 * -4);
}

BOOST_AUTO_TEST_CASE(embedding_position_and_pool) {
  const Tensor table = at::arange(6, at::kDouble).view({3, 2});
  const Tensor ids = at::tensor(std::vector<int64_t>{2, 0}, at::kLong).view({1, 2});
  const Tensor x = apply(Layer{"e", Embedding{table}}, ids);
  BOOST_TEST(largest_difference(x[0], at::tensor({4., 5., 0., 1.}, at::kDouble).view({2, 2})) == 0);
  const Tensor moved = apply(Layer{"p", Position{table}}, x);
  BOOST_TEST(largest_difference(moved[0], at::tensor({4., 6., 2., 4.}, at::kDouble).view({2, 2})) ==
             0);
  const Tensor pooled = apply(Layer{"m", Pool{}}, moved);
  BOOST_TEST((pooled.sizes() == at::IntArrayRef{1, 1, 2}));
  BOOST_TEST(largest_difference(pooled[0][0], at::tensor({3., 5.}, at::kDouble)) == 0);
}

BOOST_AUTO_TEST_CASE(tokens_are_put_before_the_others_and_taken_out) {
  const Tensor x = at::arange(8, at::kDouble).view({2, 2, 2});
  const Tensor token = at::tensor({-1., -2.}, at::kDouble).view({1, 2});
  const Tensor y = apply(Layer{"t", Prepend{token}}, x);
  BOOST_TEST((y.sizes() == at::IntArrayRef{2, 3, 2}));
  for (int64_t i = 0; i < 2; ++i) {
    BOOST_TEST(largest_difference(y[i][0], token[0]) == 0);
    BOOST_TEST(largest_difference(y[i].narrow(0, 1, 2), x[i]) == 0);
  }
  BOOST_TEST(largest_difference(apply(Layer{"s", Select{2}}, y), x.narrow(1, 1, 1)) == 0);
  const Tensor shifted = apply(Layer{"p", Position{token}}, x);
  BOOST_TEST(largest_difference(shifted - x, token.expand({2, 2, 2})) == 0);
}

BOOST_AUTO_TEST_CASE(the_injection_point_splits_the_forward_pass) {
  at::Generator g = make_generator(5);
  const Network text = sample_text(), images = sample_images();
  const Tensor ids = at::randint(7, {3, 5}, g, at::kLong), pixels = at::rand({3, 1, 4, 4}, g);
  BOOST_TEST((injection(text, ids).sizes() == at::IntArrayRef{3, 5, 6}));
  BOOST_TEST(same(forward_injected(text, injection(text, ids)), forward(text, ids)));
  BOOST_TEST(same(injection(images, pixels), pixels));
  BOOST_TEST(same(forward_injected(images, pixels), forward(images, pixels)));
  const Network wide = converted(images, at::kDouble);
  BOOST_TEST((injection(wide, pixels).scalar_type() == at::kDouble));
}

BOOST_AUTO_TEST_CASE(inputs_outside_the_declaration_are_refused) {
  const Network text = sample_text(), images = sample_images();
  const auto refused = [](const Network& n, const Tensor& input) {
    return error_of([&] { check_input(n.input, input); });
  };
  BOOST_TEST(refused(images, at::full({2, 1, 4, 4}, 1.0)) == "");
  BOOST_TEST(
      contains(refused(images, at::full({2, 1, 4, 4}, 1.5)), "[0, 1], got values from 1.5 to 1.5"));
  BOOST_TEST(refused(images, at::full({2, 1, 4, 4}, NAN)) != "");
  BOOST_TEST(contains(refused(images, at::zeros({2, 3, 4, 4})), "1 x 4 x 4"));
  BOOST_TEST(refused(images, at::zeros({2, 1, 4, 4}, at::kLong)) != "");
  BOOST_TEST(refused(text, at::full({1, 5}, 6, at::kLong)) == "");
  BOOST_TEST(contains(refused(text, at::full({1, 5}, 7, at::kLong)), "[0, 7), got 7 to 7"));
  BOOST_TEST(refused(text, at::full({1, 5}, -1, at::kLong)) != "");
  BOOST_TEST(refused(text, at::zeros({1, 4}, at::kLong)) != "");
  BOOST_TEST(refused(text, at::zeros({1, 5})) != "");
}

BOOST_AUTO_TEST_CASE(the_largest_activation_is_sought_in_branches_too) {
  Network network;
  network.input = {InputKind::pixels, 1, 1, 2, 0, 1, 0, 0};
  network.layers.push_back({"flatten", Patchify{0}});
  const Residual inner{
      1, 0, {{"times", Activation{Curve::abs, 100}}, {"back", Activation{Curve::abs, 0.01}}}};
  network.layers.push_back({"residual", inner});
  Tensor input = at::full({5, 1, 1, 2}, 0.25);
  input[4][0][0][1] = 0.5;
  BOOST_TEST(largest_activation(network, input, /*batch=*/2) == 50.0);
}

BOOST_AUTO_TEST_SUITE_END()
