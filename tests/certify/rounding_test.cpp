#include "certify/rounding.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>

#include "certify/evaluate.hpp"
#include "certify/state.hpp"
#include "src/core/core.hpp"
#include "tests/certify/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::certify;

namespace {

double largest_row_distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).norm(2, -1).max().item<double>();
}

// The error of the fp32 program on random inputs against what propagate() allows for all inputs;
// fp64 stands for real arithmetic.
void check_deployed(const models::Network& network, const at::Tensor& input,
                    const models::Threat& threat) {
  const at::NoGradGuard no_grad;
  const models::Network exact = models::converted(network, at::kDouble);
  const Norms norms(exact);
  const double allowed = propagate(exact, norms, threat, 0, kFloat32).logits.error.value();
  const double seen =
      largest_row_distance(models::forward(network, input), models::forward(exact, input));
  fmt::print("fp32 error {:.3g}, allowed {:.3g}\n", seen, allowed);
  BOOST_TEST(seen > 0);
  BOOST_TEST(seen <= allowed);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rounding_test)

BOOST_AUTO_TEST_CASE(fp32_images_stay_within_the_allowance) {
  at::Generator g = make_generator(test::seed());
  for (const char* style : {"lipschitz", "standard"}) {
    const models::Network network = test::small_vit(style, g);
    const at::Tensor images = at::rand({256, 1, 4, 4}, g, at::kFloat);
    check_deployed(network, images, models::parse_threat("l2", network.input));
  }
}

BOOST_AUTO_TEST_CASE(fp32_sequences_stay_within_the_allowance) {
  at::Generator g = make_generator(test::seed());
  const models::Network network = test::small_gpt("lipschitz", g);
  const at::Tensor ids = at::randint(0, 7, {64, 6}, g, at::kLong);
  check_deployed(network, ids, models::parse_threat("every_token", network.input));
}

// Layer by layer, at sizes from tiny to large; the rule for one layer may not borrow slack from
// others.
BOOST_AUTO_TEST_CASE(each_layer_keeps_its_own_allowance) {
  const at::NoGradGuard no_grad;
  at::Generator g = make_generator(test::seed());
  test::AttentionShape shape;
  shape.biases = true;
  const models::Attention attention = test::attention(shape, g);
  shape.d_head = 4;
  shape.rotary = true;
  shape.query_key_clamp = 0.5;
  const models::Attention turned = test::attention(shape, g);
  shape.query_key_eps = 0.01;
  const models::Attention normalised = test::attention(shape, g);
  const std::vector<models::Kind> kinds = {
      models::Linear{test::normal({7, 6}, g), test::normal({7}, g), 1.3},
      models::Activation{models::Curve::gelu, 0.9},
      models::Activation{models::Curve::silu, 0.9},
      models::Activation{models::Curve::max_min, 0.9},
      models::Activation{models::Curve::gelu_tanh, 0.9},
      models::Activation{models::Curve::tanh, 0.9},
      models::BallClamp{0.7},
      models::Normalize{test::normal({6}, g), test::normal({6}, g), 1e-5, true},
      models::Position{test::normal({5, 6}, g)},
      models::Position{test::normal({1, 6}, g)},
      models::Prepend{test::normal({2, 6}, g)},
      models::Select{3},
      models::TokenShift{test::normal({4}, g, 3)},
      models::Activation{models::Curve::relu_squared, 0.9},
      attention,
      turned,
      normalised,
      models::Pool{}};
  for (const models::Kind& kind : kinds) {
    // Values that fp32 holds exactly, so that both precisions see the same layer.
    const models::Network stored = models::converted(test::alone(kind), at::kFloat);
    const models::Network exact = models::converted(stored, at::kDouble);
    const Norms norms(exact);
    for (const double size : {1e-3, 1.0, 30.0}) {
      const at::Tensor x = test::tokens(5, 6, size, g).to(at::kFloat);
      const double seen = largest_row_distance(models::apply(stored.layers[0], x),
                                               models::apply(exact.layers[0], x.to(at::kDouble)));
      const double allowed = std::visit(
          [&](const auto& l) -> double {
            if constexpr (requires { rounding(l, norms, {5, 6}, Upper(size), kFloat32); }) {
              return rounding(l, norms, {5, 6}, Upper(size * 1.001), kFloat32).value();
            } else {
              return 0;
            }
          },
          exact.layers[0].kind);
      BOOST_TEST_CONTEXT(models::kind_name(kind) << " at size " << size) {
        BOOST_TEST(seen <= allowed);
      }
    }
  }
}

// A clamp that touches nothing and a table that turns nothing are computed all the same.
BOOST_AUTO_TEST_CASE(what_queries_and_keys_go_through_costs_rounding) {
  at::Generator g = make_generator(test::seed());
  test::AttentionShape shape;
  shape.d_head = 4;
  const models::Attention plain = test::attention(shape, g);
  const auto allowed = [&](const models::Attention& a) {
    const models::Network network = test::alone(a);
    const auto& l = std::get<models::Attention>(network.layers[0].kind);
    return rounding(l, Norms(network), {5, 6}, Upper(1), kFloat32).value();
  };
  const double unit = 0x1p-24, before = allowed(plain);
  models::Attention clamped = plain, turned = plain;
  clamped.query_key_clamp = 1e6;
  turned.rotary = at::stack({at::ones({5, 2}, at::kDouble), at::zeros({5, 2}, at::kDouble)}, -1);
  BOOST_TEST(allowed(clamped) > before + unit * 1e-3);
  BOOST_TEST(allowed(turned) > before + unit * 1e-3);
}

// The shift by the largest logit errs by u times the range, here twice the size of the logits; and
// where that is no longer small, nothing is promised.
BOOST_AUTO_TEST_CASE(large_logits_of_a_token_shift_cost_rounding) {
  const auto allowed = [](double size) {
    const at::Tensor logits = at::tensor({-size, size, 0.0}, at::kDouble);
    const models::Network network = test::alone(models::TokenShift{logits});
    const auto& l = std::get<models::TokenShift>(network.layers[0].kind);
    return rounding(l, Norms(network), {5, 6}, Upper(1), kFloat32).value();
  };
  const double unit = 0x1p-24;
  BOOST_TEST(allowed(1000) >= allowed(0) + 2000 * unit);
  BOOST_TEST(std::isinf(allowed(1e7)));
}

// The same evaluation with fp32 in the role of fp64 cannot be had, but a bound that follows the
// data must lie below the one that holds for all inputs, and above zero.
BOOST_AUTO_TEST_CASE(the_clean_error_is_small_also_behind_layer_norm) {
  at::Generator g = make_generator(test::seed());
  for (const char* style : {"lipschitz", "standard"}) {
    const models::Network exact = models::converted(test::small_vit(style, g), at::kDouble);
    const Norms norms(exact);
    const Evaluated e = evaluate(exact, norms, at::rand({32, 1, 4, 4}, g, at::kFloat));
    fmt::print("{}: clean fp64 error {:.3g}\n", style, e.error.value());
    BOOST_TEST(e.error.value() > 0);
    BOOST_TEST(e.error.value() < 1e-6);
  }
}

BOOST_AUTO_TEST_SUITE_END()
