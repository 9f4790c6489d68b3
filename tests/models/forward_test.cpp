#include <boost/test/unit_test.hpp>

#include <cmath>

#include "tests/models/sample.hpp"

// The forward pass against plain loops that follow the formulas of models/network.hpp.
using namespace taut;
using namespace taut::test;

using Row = std::vector<double>;

BOOST_AUTO_TEST_SUITE(forward_test)

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

BOOST_AUTO_TEST_CASE(shifted_tokens_are_a_mixture_of_those_before) {
  at::Generator g = make_generator(7);
  const Tensor x = at::randn({2, 4, 3}, g, at::kDouble);
  const Tensor logits = at::tensor({1., 0., -2.}, at::kDouble);
  const Tensor y = apply(Layer{"t", TokenShift{logits}}, x);
  const double weights[] = {std::exp(1), 1, std::exp(-2)};
  const double all = weights[0] + weights[1] + weights[2];
  Tensor expected = at::zeros_like(x);
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t k = 0; k <= std::min(i, int64_t{2}); ++k) {
      expected.select(1, i) += weights[k] / all * x.select(1, i - k);
    }
  }
  BOOST_TEST(largest_difference(y, expected) < 1e-15);
  for (int64_t n = 1; n < 4; ++n) {  // a sequence may be shorter than the mixture
    const Tensor start = apply(Layer{"t", TokenShift{logits}}, x.narrow(1, 0, n));
    BOOST_TEST(largest_difference(start, y.narrow(1, 0, n)) == 0);
  }
  BOOST_TEST(largest_difference(apply(Layer{"t", TokenShift{logits.narrow(0, 0, 1)}}, x), x) == 0);
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
  const std::vector<LayerRange> ranges = activation_ranges(network, input, /*batch=*/2);
  BOOST_TEST(largest_activation(ranges) == 50.0);
  std::string names;
  for (const LayerRange& range : ranges) names += range.name + " ";
  BOOST_TEST(names == "flatten times back residual ");
  // Nine entries of .25 and one of .5, times 100 in the first layer of the branch.
  const double rms = std::sqrt((9 * 0.0625 + 0.25) / 10);
  BOOST_TEST(ranges[0].rms == rms, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(ranges[1].rms == 100 * rms, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(ranges[3].largest == 0.5);
  input[0][0][0][0] = NAN;
  BOOST_TEST(std::isinf(largest_activation(activation_ranges(network, input))));
}

// What no layer shows behind it: the embedding, and what attention compares and mixes.
BOOST_AUTO_TEST_CASE(the_largest_activation_is_sought_in_attention_and_embedding_too) {
  Network network;
  network.input = {InputKind::tokens, 0, 0, 0, 0, 0, 2, 3};
  Tensor table = at::zeros({3, 2});
  table[1][0] = 3;
  network.layers.push_back({"embedding", Embedding{table}});
  Attention attention;
  attention.query = at::full({1, 2, 2}, 2.0);
  attention.key = at::full({1, 2, 2}, -5.0);
  attention.value = at::full({1, 2, 2}, 1.0);
  attention.output = at::full({2, 2}, 0.125);
  attention.query_key_clamp = 1;
  network.layers.push_back({"attention", attention});
  const Tensor ids = at::tensor({0, 0, 1, 0}, at::kLong).view({2, 2});
  const std::vector<LayerRange> ranges = activation_ranges(network, ids, /*batch=*/1);
  std::string names;
  for (const LayerRange& range : ranges) names += range.name + (range.watched ? "! " : " ");
  BOOST_TEST(names == "embedding attention.query attention.key attention.value attention! ");
  BOOST_TEST(ranges[0].largest == 3);
  BOOST_TEST(ranges[1].largest == 6);
  BOOST_TEST(ranges[2].largest == 15);
  BOOST_TEST(ranges[3].largest == 3);
  BOOST_TEST(largest_activation(ranges) == 15);
  // Of eight entries two are 15.
  BOOST_TEST(ranges[2].rms == std::sqrt(225.0 / 4), boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(a_watched_forward_pass_is_the_same_bit_for_bit_and_can_be_changed) {
  at::Generator g = make_generator(5);
  Architecture architecture;
  architecture.width = 16;
  architecture.heads = 2;
  const InputSpec spec{InputKind::pixels, 1, 4, 4, 0, 1, 0, 0};
  const Network network = build(architecture, spec, 3, g);
  const Tensor input = at::rand({4, 1, 4, 4}, g);
  int seen = 0;
  const Tensor watched = forward_watched(network, input, [&](const Layer&, const Tensor& out) {
    ++seen;
    return out;
  });
  BOOST_TEST(at::equal(watched, forward(network, input)));
  BOOST_TEST(seen > 10);
  const Tensor halved = forward_watched(network, input, [&](const Layer& layer, const Tensor& out) {
    return layer.name == "head" ? out / 2 : out;
  });
  BOOST_TEST(at::equal(halved, watched / 2));
}

BOOST_AUTO_TEST_SUITE_END()
