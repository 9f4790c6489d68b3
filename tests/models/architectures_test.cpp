#include <boost/test/unit_test.hpp>

#include "tests/models/sample.hpp"

using namespace taut;
using namespace taut::test;

namespace {

InputSpec pixels() { return {InputKind::pixels, 3, 8, 8, 0, 1, 0, 0}; }
InputSpec text() { return {InputKind::tokens, 0, 0, 0, 0, 1, 12, 9}; }

Architecture architecture(const std::string& name, const std::string& style) {
  Architecture a;
  a.name = name;
  a.style = style;
  a.width = 12;
  a.heads = 3;
  return a;
}

InputSpec input_of(const std::string& name) {
  return name == "gpt" || name == "text" ? text() : pixels();
}

std::string refusal(const Architecture& a, const InputSpec& input, int64_t classes = 5) {
  return error_of([&] { build(a, input, classes, make_generator(1)); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(architectures_test)

BOOST_AUTO_TEST_CASE(every_architecture_passes_the_check_and_runs) {
  at::Generator g = make_generator(2);
  for (const std::string& name : architecture_names()) {
    for (const char* style : {"lipschitz", "standard"}) {
      const Network network = build(architecture(name, style), input_of(name), 9, g);
      check(network);
      const Tensor input = input_of(name).kind == InputKind::tokens
                               ? at::randint(9, {2, 12}, g, at::kLong)
                               : at::rand({2, 3, 8, 8}, g);
      const Tensor logits = forward(network, input);
      BOOST_TEST((logits.sizes() == at::IntArrayRef{2, name == "gpt" ? 12 : 1, 9}), name << style);
      BOOST_TEST(logits.isfinite().all().item<bool>());
    }
  }
}

// What the bound stands on: no norm layers and no biases, isometries that are scaled to an RMS norm
// of 1, convex residuals, 1/d_head logits.
BOOST_AUTO_TEST_CASE(lipschitz_networks_start_within_their_caps) {
  for (const std::string& name : architecture_names()) {
    const Network network =
        build(architecture(name, "lipschitz"), input_of(name), 9, make_generator(3));
    for_each_tensor(network, [&](const std::string& path, const Tensor& w, Role role) {
      BOOST_TEST((role != Role::gain && role != Role::bias), path);
      if (role != Role::hidden && role != Role::head && role != Role::query && role != Role::value)
        return;
      const Tensor blocks = w.dim() == 2 ? w.unsqueeze(0) : w;
      const double scale = std::sqrt(double(blocks.size(2)) / double(blocks.size(1)));
      const double sigma = at::linalg_svdvals(blocks.to(at::kDouble)).max().item<double>() * scale;
      BOOST_TEST((sigma == 0 || std::abs(sigma - 1) < 1e-5), path << " " << sigma);
    });
    for (const Layer& layer : network.layers) {
      if (const auto* r = std::get_if<Residual>(&layer.kind)) BOOST_TEST(r->keep + r->add == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_standard_transformer_is_pre_layer_norm_with_root_d_logits) {
  const Network network = build(architecture("vit", "standard"), pixels(), 5, make_generator(4));
  int64_t norms = 0, attentions = 0;
  for (const Layer& layer : network.layers) {
    norms += std::holds_alternative<Normalize>(layer.kind) ? 1 : 0;
    const auto* r = std::get_if<Residual>(&layer.kind);
    if (r == nullptr) continue;
    BOOST_TEST((r->keep == 1 && r->add == 1));
    BOOST_TEST_REQUIRE(std::holds_alternative<Normalize>(r->branch.front().kind));
    ++norms;
    const auto* a = std::get_if<Attention>(&r->branch[1].kind);
    if (a == nullptr) continue;
    ++attentions;
    BOOST_TEST(a->logit_scale == std::sqrt(4.0));  // times 1/d_head: 1/sqrt(d_head)
    BOOST_TEST(a->query_bias.defined());
  }
  BOOST_TEST(norms == 5);
  BOOST_TEST(attentions == 2);
}

// The baseline of the speed runs: RMSNorm, rotary in place of learned positions, QK norm, squared
// ReLU, capped logits, no bias anywhere.
BOOST_AUTO_TEST_CASE(a_standard_gpt_can_have_the_parts_of_today) {
  const Network n = sample_capped_logits();
  check(n);
  const auto& attend = std::get<Residual>(n.layers[1].kind);
  const auto& norm = std::get<Normalize>(attend.branch[0].kind);
  const auto& attention = std::get<Attention>(attend.branch[2].kind);
  BOOST_TEST((!norm.centered && !norm.bias.defined()));
  BOOST_TEST(attention.query_key_eps > 0);
  BOOST_TEST(attention.rotary.defined());
  BOOST_TEST(!attention.query_bias.defined());
  BOOST_TEST(attention.logit_scale == 2.0);
  for (const Layer& layer : n.layers) {
    BOOST_TEST(!std::holds_alternative<Position>(layer.kind));
  }
  // c tanh(z / c) of the logits that the same network has without the cap.
  Network plain = n;
  plain.layers.pop_back();
  std::get<Linear>(plain.layers.back().kind).gain = 1;
  const Tensor ids = at::arange(5, at::kLong).unsqueeze(0);
  const Tensor expected = 15 * at::tanh(forward(plain, ids) / 15);
  BOOST_TEST((forward(n, ids) - expected).abs().max().item<double>() < 1e-5);
}

// The last matrices of branches: zero, or drawn like all others, isometries where caps are to hold.
BOOST_AUTO_TEST_CASE(branches_start_as_nothing_or_as_isometries) {
  const auto is_last = [](const std::string& path) {
    return path.ends_with("attention.output.weight") || path.ends_with("mlp.down.weight");
  };
  for (const char* style : {"lipschitz", "standard"}) {
    for (const bool zero : {true, false}) {
      Architecture a = architecture("gpt", style);
      a.zero_outputs = zero;
      int seen = 0;
      for_each_tensor(build(a, text(), 9, make_generator(4)),
                      [&](const std::string& path, const Tensor& w, Role) {
                        if (!is_last(path)) return;
                        ++seen;
                        BOOST_TEST((w.abs().max().item<double>() == 0) == zero, path);
                        if (zero || a.style == "standard") return;
                        const double unit = std::sqrt(double(w.size(0)) / double(w.size(1)));
                        const Tensor sigma = at::linalg_svdvals(w.to(at::kDouble)) / unit;
                        BOOST_TEST((sigma - 1).abs().max().item<double>() < 1e-5, path);
                      });
      BOOST_TEST(seen == 2 * a.blocks);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_lipschitz_gpt_can_turn_and_clamp_its_queries) {
  Architecture a = architecture("gpt", "lipschitz");
  a.rotary = 1000;
  a.query_key_clamp = 0.5;
  a.position_bias = false;
  const Network n = build(a, text(), 9, make_generator(4));
  const auto& attention = std::get<Attention>(std::get<Residual>(n.layers[2].kind).branch[1].kind);
  BOOST_TEST(attention.query_key_clamp == 0.5);
  BOOST_TEST(attention.rotary.defined());
  BOOST_TEST(!attention.position_bias.defined());
}

BOOST_AUTO_TEST_CASE(branches_of_a_gpt_can_read_shifted_tokens) {
  for (const char* style : {"lipschitz", "standard"}) {
    Architecture a = architecture("gpt", style);
    a.token_shift = 3;
    const Network n = build(a, text(), 9, make_generator(4));
    int seen = 0;
    for (const Layer& layer : n.layers) {
      const auto* residual = std::get_if<Residual>(&layer.kind);
      if (residual == nullptr) continue;
      const auto& shift = std::get<TokenShift>(residual->branch[1].kind);
      BOOST_TEST((shift.logits.sizes() == at::IntArrayRef{4}));
      BOOST_TEST(shift.logits.softmax(0)[0].item<double>() > 0.5);
      ++seen;
    }
    BOOST_TEST(seen == 2 * a.blocks);
  }
}

// One label for the whole sequence.
BOOST_AUTO_TEST_CASE(a_text_model_has_one_row_that_every_token_moves) {
  for (const char* style : {"lipschitz", "standard"}) {
    const Network network = build(architecture("text", style), text(), 2, make_generator(5));
    BOOST_TEST(std::get<Embedding>(network.layers.front().kind).table.size(0) == 9);
    BOOST_TEST(std::holds_alternative<Pool>(network.layers[network.layers.size() - 2].kind));
    const Tensor input = at::zeros({1, 12}, at::kLong);
    const Tensor before = forward(network, input);
    BOOST_TEST((before.sizes() == at::IntArrayRef{1, 1, 2}));
    for (int64_t i = 0; i < 12; ++i) {
      Tensor other = input.clone();
      other[0][i] = 3;
      BOOST_TEST(!at::equal(forward(network, other), before), style << i);
    }
  }
}

BOOST_AUTO_TEST_CASE(one_generator_state_makes_one_network) {
  const auto make = [](uint64_t seed) {
    return build(architecture("vit", "lipschitz"), pixels(), 5, make_generator(seed));
  };
  BOOST_TEST(same(make(7).layers, make(7).layers));
  BOOST_TEST(!same(make(7).layers, make(8).layers));
}

BOOST_AUTO_TEST_CASE(impossible_shapes_are_refused_by_the_name_of_the_option) {
  const auto with = [](auto change, const std::string& name = "vit") {
    Architecture a = architecture(name, "lipschitz");
    change(a);
    return refusal(a, input_of(name));
  };
  BOOST_TEST(with([](Architecture&) {}) == "");
  BOOST_TEST(contains(with([](Architecture& a) { a.name = "vitt"; }), "vit"));
  BOOST_TEST(contains(with([](Architecture& a) { a.style = "lipshitz"; }), "lipschitz"));
  BOOST_TEST(contains(with([](Architecture& a) { a.heads = 5; }), "model.heads 5"));
  BOOST_TEST(contains(with([](Architecture& a) { a.patch = 3; }), "model.patch 3"));
  BOOST_TEST(contains(with([](Architecture& a) { a.patch = 0; }), "model.patch 0"));
  BOOST_TEST(contains(with([](Architecture& a) { a.activation = "gelo"; }), "gelu"));
  BOOST_TEST(contains(with([](Architecture& a) { a.residual_add = 1; }), "residual_add"));
  BOOST_TEST(contains(with([](Architecture& a) { a.output_scale = INFINITY; }), "output_scale"));
  BOOST_TEST(with([](Architecture& a) { a.clamp = -1; }) != "");
  const auto odd = [](Architecture& a) { a.activation = "max_min", a.width = 33, a.heads = 1; };
  BOOST_TEST(contains(with(odd, "mlp"), "max_min"));
  BOOST_TEST(with(odd, "vit") == "");  // four times as wide inside
  BOOST_TEST(with([](Architecture& a) { a.width = 0; }) != "");
  BOOST_TEST(with([](Architecture& a) { a.blocks = -1; }, "gpt") != "");
  BOOST_TEST(refusal(architecture("gpt", "lipschitz"), pixels()) != "");
  const auto names = [&](auto change, const char* option, const std::string& name = "gpt") {
    BOOST_TEST(contains(with(change, name), option), option);
  };
  names([](Architecture& a) { a.activation = "relu_squared"; }, "relu_squared");
  names([](Architecture& a) { a.query_key_norm = true; }, "query_key_norm");
  names([](Architecture& a) { a.logit_cap = 15; }, "logit_cap");
  names([](Architecture& a) { a.norm = "rms"; }, "model.norm");
  names([](Architecture& a) { a.rotary = 100; }, "model.rotary", "vit");
  names([](Architecture& a) { a.token_shift = 1; }, "model.token_shift", "text");
  names([](Architecture& a) { a.token_shift = -1; }, "model.token_shift");
  names([](Architecture& a) { a.token_shift = 12; }, "model.token_shift 12");
  names([](Architecture& a) { a.rotary = 1; }, "model.rotary");
  names([](Architecture& a) { a.rotary = 100, a.heads = 4; }, "model.rotary");
  names([](Architecture& a) { a.style = "standard", a.query_key_clamp = 1; }, "query_key_clamp");
  names([](Architecture& a) { a.style = "standard", a.norm = "batch"; }, "norm");
  BOOST_TEST(refusal(architecture("vit", "lipschitz"), text()) != "");
  BOOST_TEST(refusal(architecture("text", "lipschitz"), pixels()) != "");
  BOOST_TEST(refusal(architecture("vit", "lipschitz"), pixels(), 1) != "");
}

BOOST_AUTO_TEST_SUITE_END()
