#include <boost/test/unit_test.hpp>

#include "tests/models/sample.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// A layer of the network by its name, in branches as well.
Layer* find(std::vector<Layer>& layers, const std::string& name) {
  for (Layer& layer : layers) {
    if (layer.name == name) return &layer;
    auto* residual = std::get_if<Residual>(&layer.kind);
    Layer* inside = residual != nullptr ? find(residual->branch, name) : nullptr;
    if (inside != nullptr) return inside;
  }
  return nullptr;
}

// What check() says of a sample network after `change` of the layer `name`.
template <class Kind, class Change>
std::string refusal(Network network, const std::string& name, Change&& change) {
  change(std::get<Kind>(find(network.layers, name)->kind));
  return error_of([&] { check(network); });
}

template <class Change>
std::string refusal(Network network, Change&& change) {
  change(network);
  return error_of([&] { check(network); });
}

bool names(const std::string& text, const std::string& layer) { return contains(text, layer); }

}  // namespace

BOOST_AUTO_TEST_SUITE(check_test)

BOOST_AUTO_TEST_CASE(the_samples_pass_and_run) {
  for (const Network& network : {sample_images(), sample_text(), sample_capped_logits()}) {
    check(network);
    const bool pixels = network.input.kind == InputKind::pixels;
    const Tensor input = pixels ? at::zeros({2, 1, 4, 4}) : at::zeros({2, 5}, at::kLong);
    BOOST_TEST(forward(network, input).dim() == 3);
  }
}

BOOST_AUTO_TEST_CASE(widths_must_meet) {
  const auto wrong = [](at::IntArrayRef shape) {
    return [shape = shape.vec()](Linear& l) { l.weight = at::ones(shape); };
  };
  const Network images = sample_images(), text = sample_text();
  BOOST_TEST(
      names(refusal<Linear>(images, "embed", wrong({6, 5})), "embed (linear): expected weight"));
  BOOST_TEST(names(refusal<Linear>(images, "embed", wrong({5, 4})), "embed"));
  BOOST_TEST(names(refusal<Linear>(images, "head", wrong({3, 7})), "head"));
  BOOST_TEST(names(refusal<Linear>(images, "m.up", wrong({9, 6})), "m.up"));
  BOOST_TEST(names(refusal<Linear>(images, "m.down", wrong({5, 8})),
                   "m (residual): expected the branch to return 4 tokens of width 6, got"));
  BOOST_TEST(names(refusal<Linear>(images, "embed", wrong({6})), "embed"));
  BOOST_TEST(names(refusal<Linear>(images, "embed", wrong({0, 4})), "embed"));
  BOOST_TEST(
      names(refusal<Linear>(images, "embed", [](Linear& l) { l.weight = Tensor(); }), "embed"));
  BOOST_TEST(
      names(refusal<Linear>(images, "embed", [](Linear& l) { l.bias = at::ones({5}); }), "bias"));
  BOOST_TEST(names(refusal<Position>(images, "position",
                                     [](Position& l) {
                                       l.table = at::ones({3, 6});
                                     }),
                   "position"));
  BOOST_TEST(names(refusal<Position>(text, "position",
                                     [](Position& l) {
                                       l.table = at::ones({5, 5});
                                     }),
                   "position"));
  BOOST_TEST(refusal<Position>(text, "position", [](Position& l) {
               l.table = at::ones({9, 6});
             }) == "");
  BOOST_TEST(names(refusal<Embedding>(text, "embedding",
                                      [](Embedding& l) {
                                        l.table = at::ones({8, 6});
                                      }),
                   "embedding"));
  BOOST_TEST(
      names(refusal<Normalize>(text, "a.norm", [](Normalize& l) { l.weight = at::ones({5}); }),
            "a.norm"));
  BOOST_TEST(names(refusal<PixelNormalize>(images, "normalize",
                                           [](PixelNormalize& l) { l.mean = at::ones({3}); }),
                   "mean"));
}

BOOST_AUTO_TEST_CASE(the_blocks_of_attention_must_agree) {
  const auto with = [](auto change) {
    return refusal<Attention>(sample_text(), "a.attention", change);
  };
  BOOST_TEST(names(with([](Attention& a) { a.key = at::ones({2, 4, 6}); }), "key.weight"));
  BOOST_TEST(names(with([](Attention& a) { a.value = at::ones({3, 3, 6}); }), "value.weight"));
  BOOST_TEST(names(with([](Attention& a) { a.query = at::ones({2, 3, 5}); }), "query.weight"));
  BOOST_TEST(names(with([](Attention& a) { a.query = at::ones({6, 6}); }), "query.weight"));
  BOOST_TEST(names(with([](Attention& a) { a.query = at::ones({2, 0, 6}); }), "query.weight"));
  BOOST_TEST(names(with([](Attention& a) { a.output = at::ones({6, 5}); }), "output.weight"));
  BOOST_TEST(names(with([](Attention& a) { a.output_bias = at::ones({5}); }), "output.bias"));
  BOOST_TEST(names(with([](Attention& a) { a.key_bias = at::ones({6}); }), "key.bias"));
  BOOST_TEST(names(with([](Attention& a) {
                     a.position_bias = at::ones({2, 4});
                   }),
                   "position_bias"));
  BOOST_TEST(names(with([](Attention& a) {
                     a.position_bias = at::ones({1, 5});
                   }),
                   "position_bias"));
  BOOST_TEST(names(with([](Attention& a) { a.causal = false; }), "causal"));
  BOOST_TEST(names(with([](Attention& a) { a.logit_scale = NAN; }), "logit_scale"));
  BOOST_TEST(names(with([](Attention& a) { a.query_key_eps = -1; }), "query_key_eps"));
  BOOST_TEST(names(with([](Attention& a) { a.query_key_clamp = NAN; }), "query_key_clamp"));
  // d_head is 3
  BOOST_TEST(names(with([](Attention& a) { a.rotary = at::ones({5, 1, 2}); }), "rotary"));
  const auto turned = [](const Tensor& table) {
    return refusal<Attention>(sample_capped_logits(), "blocks.0.attention",
                              [&](Attention& a) { a.rotary = table; });
  };
  BOOST_TEST(turned(at::ones({5, 2, 2})) == "");
  BOOST_TEST(names(turned(at::ones({4, 2, 2})), "rotary"));
  BOOST_TEST(names(turned(at::ones({5, 1, 2})), "rotary"));
  BOOST_TEST(names(turned(at::ones({5, 4})), "rotary"));
  BOOST_TEST(names(with([](Attention& a) { a.gain = INFINITY; }), "gain"));
}

BOOST_AUTO_TEST_CASE(numbers_must_lie_in_their_ranges) {
  const Network images = sample_images();
  for (const double radius : std::initializer_list<double>{0.0, -1.0, NAN, INFINITY}) {
    BOOST_TEST(
        names(refusal<BallClamp>(images, "m.clamp", [&](BallClamp& l) { l.radius = radius; }),
              "m.clamp"));
    BOOST_TEST(names(refusal<Normalize>(images, "a.norm", [&](Normalize& l) { l.eps = radius; }),
                     "a.norm"));
    BOOST_TEST(
        names(refusal<PixelNormalize>(images, "normalize",
                                      [&](PixelNormalize& l) { l.std = at::full({1}, radius); }),
              "normalize"));
  }
  for (const int64_t curve : {-1, 8}) {
    BOOST_TEST(
        names(refusal<Activation>(images, "m.curve",
                                  [&](Activation& l) { l.curve = static_cast<Curve>(curve); }),
              "curve"));
  }
  for (const int64_t patch : {-1, 3, 8}) {
    BOOST_TEST(names(refusal<Patchify>(images, "patchify", [&](Patchify& l) { l.patch = patch; }),
                     "patchify"));
  }
  BOOST_TEST(names(refusal<Residual>(images, "m", [](Residual& l) { l.keep = NAN; }), "keep"));
  BOOST_TEST(names(refusal<Linear>(images, "head", [](Linear& l) { l.gain = NAN; }), "gain"));
}

BOOST_AUTO_TEST_CASE(layers_must_follow_what_they_read) {
  const auto drop = [](size_t index) {
    return [index](Network& n) { n.layers.erase(n.layers.begin() + static_cast<int64_t>(index)); };
  };
  BOOST_TEST(names(refusal(sample_images(), drop(1)), "embed"));
  BOOST_TEST(names(refusal(sample_text(), drop(0)), "position"));
  BOOST_TEST(names(refusal(sample_images(), [](Network& n) { n.layers.clear(); }), "ends"));
  BOOST_TEST(names(refusal(sample_images(),
                           [](Network& n) {
                             n.layers.push_back({"late", Patchify{0}});
                           }),
                   "late"));
  BOOST_TEST(names(refusal(sample_text(),
                           [](Network& n) {
                             n.layers.push_back({"late", Embedding{at::ones({7, 6})}});
                           }),
                   "late"));
  BOOST_TEST(refusal<Residual>(sample_images(), "m", [](Residual& l) {
               l.branch.push_back({"pool", Pool{}});
             }) != "");
}

BOOST_AUTO_TEST_CASE(added_and_selected_tokens_must_fit) {
  const auto with = [](Kind kind) {
    return refusal(sample_images(), [&](Network& n) {
      n.layers.insert(n.layers.begin() + 4, Layer{"new", kind});
    });
  };
  BOOST_TEST(with(Prepend{at::ones({1, 6})}) == "");
  BOOST_TEST(names(with(Prepend{at::ones({1, 5})}), "tokens"));
  BOOST_TEST(names(with(Prepend{at::ones({0, 6})}), "tokens"));
  BOOST_TEST(names(with(Prepend{at::ones({6})}), "tokens"));
  BOOST_TEST(with(Select{3}) == "");
  BOOST_TEST(names(with(Select{4}), "expected a token in [0, 4)"));
  BOOST_TEST(names(with(Select{-1}), "expected a token in [0, 4)"));
  BOOST_TEST(with(TokenShift{at::ones({2})}) == "");
  BOOST_TEST(names(with(TokenShift{at::ones({6})}), "at most"));
  BOOST_TEST(names(with(TokenShift{at::ones({1, 1})}), "logits"));
  BOOST_TEST(names(with(TokenShift{}), "logits"));
  BOOST_TEST(with(Position{at::ones({1, 6})}) == "");
  BOOST_TEST(names(with(Position{at::ones({3, 6})}), "of one row"));
}

BOOST_AUTO_TEST_CASE(inputs_must_be_possible) {
  const auto with = [](auto change) {
    return refusal(sample_images(), [&](Network& n) { change(n.input); });
  };
  BOOST_TEST(with([](InputSpec& i) { i.channels = 0; }) != "");
  BOOST_TEST(with([](InputSpec& i) { i.height = -4; }) != "");
  BOOST_TEST(with([](InputSpec& i) { i.height = i.width = int64_t{1} << 40; }) != "");
  BOOST_TEST(with([](InputSpec& i) { i.low = 2; }) != "");
  BOOST_TEST(with([](InputSpec& i) { i.high = NAN; }) != "");
  BOOST_TEST(with([](InputSpec& i) { i.kind = InputKind::tokens; }) != "");
  const auto text = refusal(sample_text(), [](Network& n) { n.input.context = 0; });
  BOOST_TEST(text != "");
}

BOOST_AUTO_TEST_CASE(values_must_be_finite_and_of_one_type) {
  for (const double value : {double{NAN}, double{INFINITY}, -double{INFINITY}}) {
    const std::string text =
        refusal<Linear>(sample_images(), "m.down", [&](Linear& l) { l.weight[2][3] = value; });
    BOOST_TEST(contains(text, std::isnan(value) ? "m.down.weight holds NaN"
                                                : "m.down.weight holds infinity"),
               text);
  }
  BOOST_TEST(names(refusal<Linear>(sample_images(), "m.up",
                                   [](Linear& l) { l.weight = l.weight.to(at::kDouble); }),
                   "m.up.weight"));
  BOOST_TEST(names(refusal<Linear>(sample_images(), "m.up",
                                   [](Linear& l) { l.weight = l.weight.to(at::kLong); }),
                   "m.up.weight"));
}

BOOST_AUTO_TEST_SUITE_END()
