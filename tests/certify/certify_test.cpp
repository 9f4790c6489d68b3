#include "certify/certify.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "tests/certify/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::certify;

namespace {

// Directions of norm 1 in the threat's norm, one per clean input (points, ...).
at::Tensor directions(const at::Tensor& clean, const models::Threat& threat, at::Generator& g) {
  const at::Tensor d = at::randn(clean.sizes(), g, at::kDouble);
  switch (threat.norm) {
    case models::Norm::linf:
      return d.sign();
    case models::Norm::every_token:
      return d / d.norm(2, -1, true);
    case models::Norm::one_token: {
      const at::Tensor token = at::randint(0, clean.size(1), {clean.size(0)}, g, at::kLong);
      return d / d.norm(2, -1, true) * at::one_hot(token, clean.size(1)).unsqueeze(-1);
    }
    case models::Norm::l2:
      break;
  }
  return (d.flatten(1) / d.flatten(1).norm(2, -1, true)).view(d.sizes());
}

// Random points just inside the certified balls: none may change the prediction.
void check_balls(const models::Network& network, const at::Tensor& input, int64_t points,
                 at::Generator& g) {
  const at::NoGradGuard no_grad;
  const models::Network exact = models::converted(network, at::kDouble);
  const int64_t rows = models::forward(network, input).size(1);
  std::vector<models::Threat> threats;
  for (const std::string& name : models::threat_names(network.input)) {
    threats.push_back(models::parse_threat(name, network.input));
  }
  const Certificate c =
      certify::certify(network, input, at::zeros({input.size(0), rows}, at::kLong), threats, {});
  const at::Tensor row = at::arange(points, at::kLong).remainder(input.size(0) * rows);
  const at::Tensor clean =
      models::injection(exact, input.index_select(0, c.example.index_select(0, row)));
  for (const ThreatCertificate& t : c.threats) {
    BOOST_TEST(t.radius.isfinite().all().item<bool>());
    BOOST_TEST((t.radius > 0).sum().item<int64_t>() > t.radius.numel() / 2);
    BOOST_TEST((t.radius_deployed <= t.radius).all().item<bool>());
    std::vector<int64_t> shape(clean.dim(), 1);
    shape[0] = points;
    const at::Tensor radius = t.radius.index_select(0, row).view(shape) * (1 - 1e-9);
    at::Tensor x = clean + radius * directions(clean, t.threat, g);
    if (t.threat.box) x = x.clamp(t.threat.box->low, t.threat.box->high);
    const at::Tensor logits = models::forward_injected(exact, x);
    const at::Tensor at_row =
        logits.index({at::arange(points, at::kLong), c.position.index_select(0, row)});
    BOOST_TEST(at::equal(at_row.argmax(1), c.prediction.index_select(0, row)));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(certify_test)

BOOST_AUTO_TEST_CASE(ten_thousand_points_never_flip_an_image) {
  at::Generator g = make_generator(test::seed());
  const models::Network network = test::small_vit("lipschitz", g);
  check_balls(network, at::rand({20, 1, 4, 4}, g, at::kFloat), 5000, g);
}

BOOST_AUTO_TEST_CASE(points_of_the_ball_never_flip_a_position) {
  at::Generator g = make_generator(test::seed());
  const models::Network network = test::small_gpt("lipschitz", g);
  check_balls(network, at::randint(0, 7, {6, 6}, g, at::kLong), 2000, g);
}

BOOST_AUTO_TEST_CASE(a_layer_norm_network_gets_an_honest_tiny_radius) {
  at::Generator g = make_generator(test::seed());
  const models::Network network = test::small_vit("standard", g);
  const models::Threat l2 = models::parse_threat("l2", network.input);
  const Certificate c = certify::certify(network, at::rand({8, 1, 4, 4}, g, at::kFloat),
                                         at::zeros({8, 1}, at::kLong), {l2}, {});
  BOOST_TEST(c.threats[0].log10_constant > 6);
  BOOST_TEST(c.threats[0].radius.max().item<double>() < 1e-5);
  BOOST_TEST(c.threats[0].radius.max().item<double>() > 0);
}

// The bound is one of the stored network: the global constant can be no smaller than any ratio
// seen.
BOOST_AUTO_TEST_CASE(the_constant_is_above_sampled_ratios) {
  const at::NoGradGuard no_grad;
  at::Generator g = make_generator(test::seed());
  const models::Network network = models::converted(test::small_vit("lipschitz", g), at::kDouble);
  models::Network body = network;
  body.layers.pop_back();
  const models::Threat l2 = models::parse_threat("l2", network.input);
  const double bound = std::pow(10, log10_constant(network, l2));
  double seen = 0;
  for (int i = 0; i < 2000; ++i) {
    const at::Tensor x = at::rand({1, 1, 4, 4}, g, at::kDouble);
    const at::Tensor y = i % 2 == 0 ? at::rand({1, 1, 4, 4}, g, at::kDouble)
                                    : x + 1e-4 * at::randn({1, 1, 4, 4}, g, at::kDouble);
    const double change =
        (models::forward(body, x) - models::forward(body, y)).norm().item<double>();
    seen = std::max(seen, change / (x - y).norm().item<double>());
  }
  fmt::print("sampled {:.4f}, bound {:.4f}\n", seen, bound);
  BOOST_TEST(seen <= bound);
}

// Batches only cut the work; every number is the same up to the larger of the batch errors.
BOOST_AUTO_TEST_CASE(batches_do_not_change_predictions_or_order) {
  at::Generator g = make_generator(test::seed());
  const models::Network network = test::small_gpt("lipschitz", g);
  const at::Tensor ids = at::randint(0, 7, {5, 6}, g, at::kLong);
  const models::Threat t = models::parse_threat("every_token", network.input);
  const at::Tensor label = at::zeros({5, 6}, at::kLong);
  CertifyOptions one, all;
  one.batch = 1;
  const Certificate a = certify::certify(network, ids, label, {t}, one);
  const Certificate b = certify::certify(network, ids, label, {t}, all);
  BOOST_TEST(at::equal(a.prediction, b.prediction));
  BOOST_TEST(at::equal(a.example, b.example));
  BOOST_TEST(at::allclose(a.threats[0].radius, b.threats[0].radius, 1e-9, 1e-12));
}

BOOST_AUTO_TEST_CASE(inputs_outside_the_box_and_nan_weights_are_refused) {
  at::Generator g = make_generator(test::seed());
  models::Network network = test::small_vit("lipschitz", g);
  const models::Threat l2 = models::parse_threat("l2", network.input);
  const at::Tensor label = at::zeros({1, 1}, at::kLong);
  BOOST_CHECK_EXCEPTION(
      certify::certify(network, at::full({1, 1, 4, 4}, 1.5), label, {l2}, {}), Error,
      [](const Error& e) { return std::string(e.what()).find("1.5") != std::string::npos; });
  BOOST_CHECK_THROW(
      certify::certify(network, at::zeros({0, 1, 4, 4}), at::zeros({0, 1}, at::kLong), {l2}, {}),
      Error);
  std::get<models::Linear>(network.layers.back().kind).weight[0][0] = std::nan("");
  BOOST_CHECK_EXCEPTION(certify::certify(network, at::zeros({1, 1, 4, 4}), label, {l2}, {}), Error,
                        [](const Error& e) {
                          return std::string(e.what()).find("head.weight") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_SUITE_END()
