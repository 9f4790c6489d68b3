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

// The last layer multiplies K by its gain and norm; a linear classifier meets that with equality.
BOOST_AUTO_TEST_CASE(the_constant_of_the_logits_holds_the_last_layer_too) {
  at::Generator g = make_generator(test::seed());
  models::Network network;
  network.input.channels = 1;
  network.input.height = network.input.width = 4;
  const at::Tensor weight = test::normal({3, 16}, g).to(at::kFloat);
  network.layers = {{"flatten", models::Patchify{0}}, {"head", models::Linear{weight, {}, -4}}};
  const Certificate c =
      certify::certify(network, at::rand({2, 1, 4, 4}, g, at::kFloat), at::zeros({2, 1}, at::kLong),
                       {models::parse_threat("l2", network.input)}, {});
  const double sigma = at::linalg_matrix_norm(weight.to(at::kDouble), 2).item<double>();
  BOOST_TEST(std::fabs(c.threats[0].constant - 1) < 1e-12);
  BOOST_TEST(c.threats[0].logit_constant >= 4 * sigma * (1 - 1e-12));
  BOOST_TEST(c.threats[0].logit_constant <= 4 * sigma * (1 + 1e-8));
}

// c tanh(z / c) ranks as z does: the same real radii, but the fp32 program sees flattened logits.
BOOST_AUTO_TEST_CASE(a_cap_on_the_logits_costs_the_deployed_radius_alone) {
  at::Generator g = make_generator(test::seed());
  const models::Network plain = test::small_gpt("lipschitz", g);
  const at::Tensor ids = at::randint(0, 7, {6, 6}, g, at::kLong);
  const auto radii_of = [&](double cap) {
    models::Network capped = plain;
    std::get<models::Linear>(capped.layers.back().kind).gain /= cap;
    capped.layers.push_back({"cap", models::Activation{models::Curve::tanh, cap}});
    check_balls(capped, ids, 200, g);
    return certify::certify(capped, ids, at::zeros({6, 6}, at::kLong),
                            {models::parse_threat("every_token", plain.input)}, {})
        .threats[0];
  };
  const ThreatCertificate bare =
      certify::certify(plain, ids, at::zeros({6, 6}, at::kLong),
                       {models::parse_threat("every_token", plain.input)}, {})
          .threats[0];
  const ThreatCertificate wide = radii_of(64), narrow = radii_of(0.5);
  for (const ThreatCertificate* capped : {&wide, &narrow}) {
    BOOST_TEST(at::allclose(capped->radius, bare.radius, 1e-9, 0));
    BOOST_TEST((capped->radius_deployed <= bare.radius_deployed).all().item<bool>());
  }
  BOOST_TEST(wide.radius_deployed.sum().item<double>() > 0);
  BOOST_TEST(narrow.radius_deployed.sum().item<double>() <
             wide.radius_deployed.sum().item<double>());
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

// Values that fp32 cannot carry leave the theorem about real numbers alone and void the one about
// the program, which computes zeros or infinities here.
BOOST_AUTO_TEST_CASE(overflow_inside_the_program_voids_the_deployed_radius) {
  models::Network network;
  network.input.channels = network.input.height = 1;
  network.input.width = 2;
  const at::Tensor identity = at::eye(2, at::kFloat);
  const at::Tensor image = at::tensor({0.5f, 0.9f}).view({1, 1, 1, 2});
  const models::Threat l2 = models::parse_threat("l2", network.input);
  const auto certified = [&] {
    return certify::certify(network, image, at::ones({1, 1}, at::kLong), {l2}, {}).threats[0];
  };
  for (const double gain : {1e-50, 1e40}) {
    network.layers = {{"flatten", models::Patchify{0}},
                      {"head", models::Linear{identity, {}, gain}}};
    BOOST_TEST(certified().radius[0].item<double>() > 0.2);
    BOOST_TEST(certified().radius_deployed[0].item<double>() == 0.0);
  }
  network.layers = {{"flatten", models::Patchify{0}},
                    {"up", models::Linear{identity * 1e10, {}, 1}},
                    {"head", models::Linear{identity * 1e30, {}, 1}}};
  BOOST_TEST(certified().radius_deployed[0].item<double>() == 0.0);
}

BOOST_AUTO_TEST_CASE(a_threat_that_does_not_fit_the_network_is_refused) {
  at::Generator g = make_generator(test::seed());
  const models::Network gpt = test::small_gpt("lipschitz", g);
  const models::Network vit = test::small_vit("lipschitz", g);
  BOOST_CHECK_THROW(log10_constant(gpt, models::Threat{}), Error);
  models::Threat boxed = models::parse_threat("every_token", gpt.input);
  BOOST_CHECK_THROW(log10_constant(vit, boxed), Error);
  boxed.box = models::Box{-1, 1};
  BOOST_CHECK_THROW(log10_constant(gpt, boxed), Error);
  models::Threat narrow = models::parse_threat("l2", vit.input);
  narrow.box = models::Box{0.4, 0.6};
  BOOST_CHECK_THROW(log10_constant(vit, narrow), Error);
}

BOOST_AUTO_TEST_CASE(a_table_tied_to_the_head_keeps_both_kinds_of_norm) {
  at::Generator g = make_generator(test::seed());
  models::Network tied = test::small_gpt("lipschitz", g), untied = tied;
  const at::Tensor table = std::get<models::Embedding>(tied.layers.front().kind).table;
  std::get<models::Linear>(tied.layers.back().kind).weight = table;
  std::get<models::Linear>(untied.layers.back().kind).weight = table.clone();
  const models::Threat t = models::parse_threat("every_token", tied.input);
  BOOST_TEST(log10_constant(tied, t) == log10_constant(untied, t));
}

// One head on single tokens: attention is the output matrix times the value matrix.
models::Network through_attention(double value, double value_bias, double output, double gain,
                                  models::Linear back) {
  const at::Tensor eye = at::eye(2, at::kFloat);
  models::Attention a;
  a.query = at::zeros({1, 2, 2});
  a.key = at::zeros({1, 2, 2});
  a.value = (eye * value).unsqueeze(0);
  if (value_bias != 0) a.value_bias = at::full({1, 2}, value_bias, at::kFloat);
  a.output = eye * output;
  a.gain = gain;
  models::Network n;
  n.input = {models::InputKind::tokens, 0, 0, 0, 0, 1, 1, 2};
  n.layers = {{"embedding", models::Embedding{eye}},
              {"attention", a},
              {"back", back},
              {"head", models::Linear{eye, at::tensor({0.1F, 0.0F})}}};
  return n;
}

// What vanishes or overflows inside attention and comes back large or small: real logits (0.1, 1),
// the fp32 program's (0.1, 0) or NaN.
BOOST_AUTO_TEST_CASE(what_fp32_loses_inside_attention_voids_the_deployed_radius) {
  const auto deployed = [](const models::Network& n) {
    const Certificate c =
        certify::certify(n, at::ones({1, 1}, at::kLong), at::ones({1, 1}, at::kLong),
                         {models::parse_threat("every_token", n.input)}, {});
    BOOST_TEST(c.prediction[0].item<int64_t>() == 1);
    BOOST_TEST(c.threats[0].radius[0].item<double>() > 0.5);
    return c.threats[0].radius_deployed[0].item<double>();
  };
  const at::Tensor eye = at::eye(2, at::kFloat);
  const models::Linear same{eye, {}}, far{eye * 1e36, {}, 1e14};
  BOOST_TEST(deployed(through_attention(1, 0, 1, 1, same)) > 0.5);
  BOOST_TEST(deployed(through_attention(1, 0, 1e-32, 1e-18, far)) == 0);
  BOOST_TEST(deployed(through_attention(5e35, 3.4028e38, 2e-36, 1, same)) == 0);
}

// A bound that is wrong at the clean input itself does not leave.
BOOST_AUTO_TEST_CASE(what_the_program_contradicts_is_no_certificate) {
  at::Generator g = make_generator(test::seed());
  const models::Network network = test::small_vit("lipschitz", g);
  const at::Tensor images = at::rand({9, 1, 4, 4}, g, at::kFloat);
  Certificate c = certify::certify(network, images, at::zeros({9, 1}, at::kLong),
                                   {models::parse_threat("l2", network.input)}, {});
  BOOST_CHECK_NO_THROW(require_kept(network, images, c, 4));
  at::Tensor& deployed = c.threats[0].radius_deployed;
  BOOST_TEST_REQUIRE(deployed[5].item<double>() > 0);
  c.prediction[5] = (c.prediction[5] + 1).remainder(3);
  BOOST_TEST(test::contains(test::error_of([&] { require_kept(network, images, c, 4); }), "row 5"));
  deployed[5] = 0;
  BOOST_CHECK_NO_THROW(require_kept(network, images, c, 4));
}

BOOST_AUTO_TEST_SUITE_END()
