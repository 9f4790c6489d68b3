#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "models/findings.hpp"
#include "src/io/io.hpp"
#include "tests/models/sample.hpp"

using namespace taut;
using namespace taut::test;

namespace {

NamedTensors tensors_of(const Network& network) {
  NamedTensors tensors;
  for_each_tensor(network,
                  [&](const std::string& name, const Tensor& t, Role) { tensors[name] = t; });
  return tensors;
}

std::string refused(const std::string& text) {
  const std::string error = error_of([&] { io::model_from_toml(text, "m.toml"); });
  BOOST_TEST(contains(error, "m.toml: "), error);
  BOOST_TEST(!contains(error, "\n"), error);
  return error;
}

constexpr const char* kInput = "[input]\nkind = \"tokens\"\ncontext = 4\nvocabulary = 5\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(model_file_test)

BOOST_AUTO_TEST_CASE(a_printed_model_reads_back_as_the_same_network) {
  for (const Network& network :
       {sample_images(), sample_class_token(), sample_text(), sample_capped_logits()}) {
    const std::string text = io::to_toml({describe(network), "w.safetensors"});
    const io::ModelFile back = io::model_from_toml(text, "m.toml");
    BOOST_TEST(back.weights == "w.safetensors");
    BOOST_TEST(io::to_toml(back) == text);
    const Network again = assemble(back.description, tensors_of(network));
    BOOST_TEST((again.input == network.input));
    BOOST_TEST(same(again.layers, network.layers));
  }
}

// As a person would write it: defaults left out, foreign names, fused and transposed matrices.
BOOST_AUTO_TEST_CASE(a_model_written_by_hand) {
  at::Generator g = make_generator(seed());
  const std::string text = std::string("ignored = ['*.mask']\n") + kInput + R"(
[[layers]]
kind = "embedding"
name = "tokens"
table = "wte"
[[layers]]
kind = "residual"
name = "mix"
[[layers.branch]]
kind = "attention"
name = "attention"
heads = 2
causal = true
query.weight = { from = "qkv", transposed = true, part = 0, parts = 3 }
key.weight = { from = "qkv", transposed = true, part = 1, parts = 3 }
value.weight = { from = "qkv", transposed = true, part = 2, parts = 3 }
value.bias = "v_bias"
[[layers]]
kind = "activation"
name = "curve"
curve = "gelu_tanh"
[[layers]]
kind = "linear"
name = "head"
)";
  NamedTensors tensors{{"wte", draw({5, 6}, g)},
                       {"qkv", draw({6, 18}, g)},
                       {"attention.output.weight", draw({6, 6}, g)},
                       {"head.weight", draw({5, 6}, g)},
                       {"v_bias", draw({6}, g)},
                       {"a.mask", at::ones({2}, at::kBool)}};
  const Network network = assemble(io::model_from_toml(text, "m.toml").description, tensors);
  const auto& mix = std::get<Residual>(network.layers[1].kind);
  const auto& attention = std::get<Attention>(mix.branch[0].kind);
  BOOST_TEST(same(attention.key, tensors["qkv"].t().narrow(0, 6, 6).contiguous().view({2, 3, 6})));
  BOOST_TEST(same(attention.value_bias, tensors["v_bias"].view({2, 3})));
  BOOST_TEST(!attention.query_bias.defined());
  BOOST_TEST(attention.causal);
  BOOST_TEST(mix.keep == 1.0);
  BOOST_TEST((std::get<Activation>(network.layers[2].kind).curve == Curve::gelu_tanh));
}

BOOST_AUTO_TEST_CASE(mistakes_are_named) {
  const std::string input = kInput;
  BOOST_TEST(contains(refused("x = "), "line 1"));
  BOOST_TEST(contains(refused(""), "input and layers"));
  BOOST_TEST(contains(refused("weights = 3\n" + input), "expected a text at 'weights'"));
  BOOST_TEST(contains(refused("layres = []\n" + input), "nearest: 'layers'"));
  BOOST_TEST(contains(refused("layers = 3\n" + input), "list of layers"));
  BOOST_TEST(contains(refused("layers = [3]\n" + input), "table"));
  BOOST_TEST(contains(refused("layers = [{kind = 'linear'}]\n" + input), "have a name"));
  BOOST_TEST(contains(refused("layers = [{name = 'a'}]\n" + input), "layer 'a': expected a kind"));
  const auto layer = [&](const std::string& rest) {
    return refused("layers = [{name = 'a', " + rest + "}]\n" + input);
  };
  BOOST_TEST(contains(layer("kind = 'liner'"), "nearest: 'linear'"));
  BOOST_TEST(contains(layer("kind = 'linear', biass = 'b'"), "nearest: 'bias'"));
  BOOST_TEST(contains(layer("kind = 'linear', gain = 'b'"), "expected a number at 'gain'"));
  BOOST_TEST(contains(layer("kind = 'linear', weight = 3"), "weight"));
  BOOST_TEST(contains(layer("kind = 'linear', weight = {shape = [1]}"), "weight.from"));
  BOOST_TEST(
      contains(layer("kind = 'linear', weight = {from = 'w', prats = 3}"), "nearest: 'parts'"));
  BOOST_TEST(contains(layer("kind = 'linear', weight = {from = 'w', part = 3, parts = 3}"),
                      "part < parts"));
  BOOST_TEST(contains(layer("kind = 'activation', curve = 'gelo'"), "nearest: 'gelu'"));
  BOOST_TEST(contains(layer("kind = 'attention', query.wieght = 'w'"), "nearest: 'query.weight'"));
  BOOST_TEST(contains(layer("kind = 'attention', causal = 1"), "true or false"));
  BOOST_TEST(contains(layer("kind = 'pool', when = 2020-01-01"), "date"));
  BOOST_TEST(contains(refused("layers = []\n[input]\nkind = 'text'\n"), "known: pixels, tokens"));
}

BOOST_AUTO_TEST_CASE(absurd_nesting_is_refused) {
  std::string layers = "{name='a', kind='pool'}";
  for (int i = 0; i < 20; ++i) layers = "{name='a', kind='residual', branch=[" + layers + "]}";
  BOOST_TEST(contains(refused("layers = [" + layers + "]\n" + kInput), "nested deeper"));
  const std::string deep(100000, '[');
  refused("layers = " + deep);
  refused(std::string((size_t{1} << 24) + 1, '#'));
}

// Some of these trip assertions of the parser: they must come out as errors like any other.
BOOST_AUTO_TEST_CASE(malformed_keys_are_errors) {
  int asserted = 0;
  for (const char* text :
       {"[{[layers]]",    "a. = 1",    "a.= 1",      "a.",      "a.\n",         "[a.]",
        "[a.\n]",         "a. # = 1",  "a.{b=1}",    "a.[b]",   "x = {a. = 1}", "x = {a.}",
        "x = {a.\n}",     "x = {= 1}", "= 1",        "[]",      "x = {,}",      "x = {a = 1, = 2}",
        "x = { , a = 1}", "[[a.]]",    "a.\x80 = 1", "a.[ = 1", "a..b = 1"}) {
    asserted += contains(refused(text), "not TOML") ? 1 : 0;
  }
  BOOST_TEST(asserted > 0);
}

BOOST_AUTO_TEST_CASE(letters_are_no_white_space) {
  for (const char* text : {"é = 1", "a = é", "a é = 1", "a.é = 1", "a = [ é ]", "、 = 1", "ﬧ = 1",
                           "a = \"\"\"\\ é\n\"\"\""}) {
    BOOST_TEST(refused(text) != "", text);
  }
}

BOOST_AUTO_TEST_CASE(patterns_match_as_in_a_shell) {
  BOOST_TEST(matches("h.0.attn.bias", "h.*.attn.bias"));
  BOOST_TEST(!matches("h.0.attn.c_attn.bias", "h.*.attn.bias"));
  BOOST_TEST(matches("aXbXc", "*b*"));
  BOOST_TEST(matches("", "*"));
  BOOST_TEST(!matches("", "a"));
  BOOST_TEST(!matches("ab", "a"));
  BOOST_TEST(matches("aab", "*ab"));
  BOOST_TEST(!matches(std::string(3000, 'a'), "*a*a*a*a*a*a*a*a*b"));
}

BOOST_AUTO_TEST_SUITE_END()
