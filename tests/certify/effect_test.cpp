#include "certify/effect.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "tests/certify/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::models;
using namespace taut::certify;

namespace {

// What a layer's change is, in each of the three norms, as a share of its bound. (pairs)
at::Tensor ratios(const Layer& layer, const Effect& bound, const at::Tensor& x,
                  const at::Tensor& y) {
  const at::Tensor in = (x - y).norm(2, -1);
  const at::Tensor out = (models::apply(layer, x) - models::apply(layer, y)).norm(2, -1);
  const at::Tensor max = out.amax(1) / (in.amax(1) * bound.max.value());
  const at::Tensor frobenius = out.norm(2, 1) / (in.norm(2, 1) * bound.frobenius.value());
  const at::Tensor sum = out.sum(1) / (in.sum(1) * bound.sum.value());
  return at::maximum(at::maximum(max, frobenius), sum).nan_to_num(0);
}

Effect effect_of(const Layer& layer, const Norms& norms, Shape shape, Upper size) {
  return std::visit(
      [&](const auto& l) -> Effect {
        if constexpr (requires { effect(l, norms, shape, size); }) {
          return effect(l, norms, shape, size);
        } else {
          return {};
        }
      },
      layer.kind);
}

// The largest ratio over pairs of inputs inside the balls, far apart, almost equal, or apart in one
// token; every pair climbs by random steps. Must stay <= 1.
double worst_ratio(const Kind& kind, Shape shape, double size, at::Generator& g, int64_t pairs) {
  const at::NoGradGuard no_grad;
  const Network network = test::alone(kind);
  const Norms norms(network);
  const Layer& layer = network.layers.front();
  const Effect bound = effect_of(layer, norms, shape, Upper(size));
  const auto draw = [&] { return test::tokens(shape.tokens, shape.width, size, g, pairs); };
  const at::Tensor kind_of_pair = at::arange(pairs, at::kLong).remainder(3).view({-1, 1, 1});
  const at::Tensor first_token =
      at::one_hot(at::zeros({1}, at::kLong), shape.tokens).view({1, -1, 1});
  at::Tensor x = draw(), y = draw();
  y = at::where(kind_of_pair == 1, x * (1 - 1e-4) + y * 1e-4, y);
  y = at::where(kind_of_pair == 2, at::where(first_token == 1, y, x), y);
  at::Tensor best = ratios(layer, bound, x, y);
  for (int step = 0; step < 60; ++step) {
    const double mix = step % 2 == 0 ? 0.3 : 0.05;
    const at::Tensor next_x = x * (1 - mix) + mix * draw(), next_y = y * (1 - mix) + mix * draw();
    const at::Tensor next = ratios(layer, bound, next_x, next_y);
    const at::Tensor better = (next > best).view({-1, 1, 1});
    x = at::where(better, next_x, x);
    y = at::where(better, next_y, y);
    best = at::maximum(best, next);
  }
  BOOST_TEST(models::apply(layer, x).norm(2, -1).max().item<double>() <=
             bound.size.value() * (1 + 1e-12));
  fmt::print("{}: largest ratio {:.4f}\n", kind_name(kind), best.max().item<double>());
  // Outputs of close pairs cancel: the measurement itself errs by up to 1e-11 relative.
  return best.max().item<double>() * (1 - 1e-11);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(effect_test)

BOOST_AUTO_TEST_CASE(attention_stays_below_its_three_constants) {
  at::Generator g = make_generator(test::seed());
  for (int i = 0; i < 24; ++i) {
    test::AttentionShape s;
    s.heads = 1 + i % 4;
    s.width = s.heads * s.d_head;
    s.tokens = 1 + (i * 5) % 7;
    s.causal = i % 2 == 0;
    s.position_bias = s.causal && i % 4 == 0;
    s.biases = i % 3 == 0;
    s.scale = i % 5 == 0 ? 6 : 1;
    const double worst = worst_ratio(test::attention(s, g), {s.tokens, s.width}, 1.5, g, 48);
    BOOST_TEST(worst <= 1.0);
    BOOST_TEST(worst > 0.0);
  }
}

BOOST_AUTO_TEST_CASE(attention_stays_below_them_whatever_queries_and_keys_go_through) {
  at::Generator g = make_generator(test::seed());
  for (int parts = 1; parts < 8; ++parts) {
    for (const bool causal : {false, true}) {
      test::AttentionShape s;
      s.d_head = 4;
      s.heads = 1 + parts % 2;
      s.width = s.heads * s.d_head;
      s.causal = causal;
      s.biases = parts % 3 != 0;
      s.scale = 4;
      s.weight = 0.8;
      if ((parts & 1) != 0) s.query_key_eps = 0.3;
      if ((parts & 2) != 0) s.query_key_clamp = 0.5;
      s.rotary = (parts & 4) != 0;
      const double worst = worst_ratio(test::attention(s, g), {s.tokens, s.width}, 1.5, g, 48);
      BOOST_TEST(worst <= 1.0);
      BOOST_TEST(worst > 0.0);
    }
  }
}

// Identity weights, H heads of one entry each, unit-RMS tokens: the formula with fused norms and
// 1/d_head logits [the published reference] claims a Lipschitz constant of 1 (output gain 1/3).
BOOST_AUTO_TEST_CASE(several_heads_break_the_fused_formula_and_not_ours) {
  at::Generator g = make_generator(test::seed());
  const int64_t heads = 6, width = 6, n = 16;
  Attention a;
  const at::Tensor identity = at::eye(width, at::kDouble);
  a.query = a.key = a.value = identity.view({heads, 1, width});
  a.output = identity;
  a.gain = 1.0 / 3;
  const Network network = test::alone(a);
  const Norms norms(network);
  const double size = std::sqrt(static_cast<double>(width));
  const double ours = effect(a, norms, {n, width}, Upper(size)).max.value();
  // Directional derivatives on the unit-RMS sphere, improved by random steps.
  const at::NoGradGuard no_grad;
  const auto derivative = [&](const at::Tensor& x, const at::Tensor& v) {
    const at::Tensor change = models::apply(network.layers[0], x + 1e-6 * v) -
                              models::apply(network.layers[0], x - 1e-6 * v);
    return (change / 2e-6).norm(2, -1).amax(1) / v.norm(2, -1).amax(1);
  };
  const auto sphere = [&](const at::Tensor& x) { return x / x.norm(2, -1, true) * size; };
  const auto draw = [&] { return test::normal({64, n, width}, g); };
  at::Tensor x = sphere(draw()), v = sphere(draw()), best = derivative(x, v);
  for (int step = 0; step < 600; ++step) {
    const double scale = step % 3 == 0 ? 0.5 : 0.1;
    const at::Tensor x2 = sphere(x + scale * draw()), v2 = sphere(v + scale * draw());
    const at::Tensor next = derivative(x2, v2), better = (next > best).view({-1, 1, 1});
    x = at::where(better, x2, x);
    v = at::where(better, v2, v);
    best = at::maximum(best, next);
  }
  const double seen = best.max().item<double>();
  fmt::print("directional derivative {:.4f}, ours {:.4f}, fused formula 1.0\n", seen, ours);
  BOOST_TEST(seen > 1.2);
  BOOST_TEST(ours > seen);
}

BOOST_AUTO_TEST_CASE(linear_maps_activations_and_clamps_stay_below_their_bounds) {
  at::Generator g = make_generator(test::seed());
  for (int i = 0; i < 6; ++i) {
    Linear l{test::normal({5, 4}, g), i % 2 == 0 ? test::normal({5}, g) : at::Tensor(), -1.5};
    BOOST_TEST(worst_ratio(l, {3, 4}, 2, g, 48) <= 1.0);
    for (const Curve curve : {Curve::gelu, Curve::relu, Curve::abs, Curve::gelu_tanh, Curve::tanh,
                              Curve::silu, Curve::max_min, Curve::relu_squared}) {
      BOOST_TEST(worst_ratio(Activation{curve, 0.8}, {3, 4}, 4, g, 48) <= 1.0);
    }
    BOOST_TEST(worst_ratio(BallClamp{0.5}, {3, 4}, 3, g, 48) <= 1.0);
    BOOST_TEST(worst_ratio(Position{test::normal({3, 4}, g)}, {3, 4}, 3, g, 24) <= 1.0);
    BOOST_TEST(worst_ratio(Position{test::normal({1, 4}, g)}, {3, 4}, 3, g, 24) <= 1.0);
    BOOST_TEST(worst_ratio(Pool{}, {5, 4}, 3, g, 48) <= 1.0);
    // A class token longer than the others, and a shorter one.
    for (const double size : {0.1, 5.0}) {
      BOOST_TEST(worst_ratio(Prepend{test::normal({2, 4}, g)}, {3, 4}, size, g, 24) <= 1.0);
    }
    BOOST_TEST(worst_ratio(Select{1}, {3, 4}, 3, g, 24) <= 1.0);
    const double shifted = worst_ratio(TokenShift{test::normal({3}, g)}, {5, 4}, 3, g, 48);
    BOOST_TEST(shifted <= 1.0);
    BOOST_TEST(shifted > 0.9);  // equal tokens move by the whole weight
  }
}

BOOST_AUTO_TEST_CASE(norm_layers_stay_below_one_over_root_eps) {
  at::Generator g = make_generator(test::seed());
  for (const bool centered : {true, false}) {
    const Normalize l{test::normal({6}, g), test::normal({6}, g), 0.04, centered};
    for (const double size : {0.01, 0.3, 3.0}) {
      BOOST_TEST(worst_ratio(l, {2, 6}, size, g, 48) <= 1.0);
    }
  }
}

// The steepest points are known: a bound that is off in the seventh digit would be seen.
BOOST_AUTO_TEST_CASE(curves_reach_their_constants) {
  const std::pair<Curve, double> steep[] = {{Curve::gelu, std::sqrt(2.0)},
                                            {Curve::gelu_tanh, 1.4185039834},
                                            {Curve::tanh, 0.0},
                                            {Curve::silu, 2.39935728052}};
  for (const auto& [curve, x] : steep) {
    const double h = 1e-5;
    const Layer layer{"curve", Activation{curve, 1}};
    const at::Tensor y = models::apply(layer, at::tensor({x - h, x + h}, at::kDouble));
    const double slope = (y[1].item<double>() - y[0].item<double>()) / (2 * h);
    const double ours = steepest(curve).value();
    BOOST_TEST(slope <= ours);
    BOOST_TEST(slope >= ours - 1e-7);
  }
}

// tanh saturates: long tokens become at most sqrt(width) long, and the bound knows it.
BOOST_AUTO_TEST_CASE(tanh_bounds_every_token) {
  const Network network = test::alone(Activation{Curve::tanh, 2});
  const Activation& l = std::get<Activation>(network.layers[0].kind);
  const double size = effect(l, Norms(network), {1, 9}, Upper(1000)).size.value();
  const at::Tensor x = at::full({1, 1, 9}, 1000 / 3.0, at::kDouble);
  const double seen = models::apply(network.layers[0], x).norm().item<double>();
  BOOST_TEST(seen <= size);
  BOOST_TEST(size <= seen * (1 + 1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
