#include <boost/test/unit_test.hpp>

#include "tests/io/sample.hpp"

#include "tests/io/tamper.hpp"

using namespace taut;
using namespace taut::test;

namespace {

io::Checkpoint without_training(io::Checkpoint c) {
  c.optimizer.clear();
  c.random_state = at::Tensor();
  return c;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(weights_test)

// HDF5 to safetensors and back, in every type that weights have.
BOOST_AUTO_TEST_CASE(checkpoints_keep_every_bit_both_ways) {
  const TempFolder folder;
  for (const at::ScalarType type :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kFloat8_e4m3fn}) {
    for (const Network& network :
         {sample_images(), sample_class_token(), sample_text(), sample_capped_logits()}) {
      const io::Checkpoint c = sample_checkpoint(converted(network, type));
      io::save_checkpoint(folder / "a.h5", c);
      io::save_weights(folder / "b.safetensors", io::load_checkpoint(folder / "a.h5"));
      const io::TensorFile file = io::read_safetensors(folder / "b.safetensors");
      BOOST_TEST(io::carries_network(file));
      io::save_checkpoint(folder / "c.h5", io::weights_of(file, "b"));
      BOOST_TEST(same(io::load_checkpoint(folder / "c.h5"), without_training(c)), toString(type));
    }
  }
}

BOOST_AUTO_TEST_CASE(names_are_paths_and_one_key_holds_the_model) {
  const TempFolder folder;
  io::save_weights(folder / "w.safetensors", sample_checkpoint(sample_text()));
  const io::TensorFile file = io::read_safetensors(folder / "w.safetensors");
  BOOST_TEST(file.metadata.at("format") == "pt");
  BOOST_TEST(file.metadata.size() == 2u);
  BOOST_TEST(file.tensors.count("a.attention.query.weight") == 1u);
  BOOST_TEST(same(
      file.tensors.at("m.up.weight"),
      std::get<Linear>(std::get<Residual>(sample_text().layers[3].kind).branch[1].kind).weight));
}

// What a file holds and what it is taken for: names, numbers and the network.
BOOST_AUTO_TEST_CASE(fingerprints_tell_networks_apart) {
  const at::Tensor w = at::ones({2, 2});
  const NamedTensors tensors{{"a", w}, {"b", w}};
  const Description model = describe(sample_text());
  const std::string print = io::fingerprint(tensors, model);
  BOOST_TEST(print == io::fingerprint({{"a", w.clone()}, {"b", w}}, model));
  BOOST_TEST(print != io::fingerprint({{"a", w}, {"c", w}}, model));
  BOOST_TEST(print != io::fingerprint({{"a", w}, {"b", w + 1}}, model));
  BOOST_TEST(print != io::fingerprint(tensors, describe(sample_images())));
}

BOOST_AUTO_TEST_CASE(what_reading_would_refuse_is_not_saved) {
  const TempFolder folder;
  io::Checkpoint c = sample_checkpoint(sample_text());
  std::get<Linear>(c.network.layers.back().kind).weight[0][0] = std::nan("");
  const std::string text = error_of([&] { io::save_weights(folder / "w.safetensors", c); });
  BOOST_TEST(contains(text, "head.weight holds NaN"), text);
  BOOST_TEST(entries(folder.path()) == 0u);
}

BOOST_AUTO_TEST_CASE(texts_that_json_cannot_hold_are_refused) {
  const TempFolder folder;
  io::Checkpoint c = sample_checkpoint(sample_text());
  c.config = "[data]\nname = \"text:\xff\"\n";
  const std::string text = error_of([&] { io::save_weights(folder / "w.safetensors", c); });
  BOOST_TEST(contains(text, "not UTF-8"), text);
  BOOST_TEST(entries(folder.path()) == 0u);
}

// All in one message, as for foreign files.
BOOST_AUTO_TEST_CASE(a_file_that_was_changed_says_everything_at_once) {
  const TempFolder folder;
  io::save_weights(folder / "w.safetensors", sample_checkpoint(sample_text()));
  io::TensorFile file = io::read_safetensors(folder / "w.safetensors");
  file.tensors["head.wieght"] = file.tensors.at("head.weight");
  file.tensors.erase("head.weight");
  file.tensors["m.up.bias"] = at::ones({9});
  file.tensors["position.table"] = at::full({5, 6}, std::numeric_limits<double>::infinity());
  const std::string text = error_of([&] { io::weights_of(file, "w.safetensors"); });
  for (const char* part : {"w.safetensors: ", "missing: head.weight (nearest: 'head.wieght')",
                           "unexpected: head.wieght (nearest: 'head.weight')",
                           "m.up.bias is 9, expected 8", "position.table holds infinity"}) {
    BOOST_TEST(contains(text, part), text);
  }
}

BOOST_AUTO_TEST_CASE(metadata_are_not_trusted) {
  const TempFolder folder;
  io::save_weights(folder / "w.safetensors", sample_checkpoint(sample_text()));
  const io::TensorFile good = io::read_safetensors(folder / "w.safetensors");
  const auto with = [&](const std::string& text) {
    io::TensorFile file = good;
    file.metadata["taut"] = text;
    return error_of([&] { io::weights_of(file, "w"); });
  };
  const std::string& text = good.metadata.at("taut");
  const auto replaced = [&](const std::string& a, const std::string& b) {
    std::string changed = text;
    const size_t at = changed.find(a);
    BOOST_REQUIRE(at != std::string::npos);
    return with(changed.replace(at, a.size(), b));
  };
  BOOST_TEST(with(text) == "");
  BOOST_TEST(contains(with(""), "not JSON"));
  BOOST_TEST(contains(with("[]"), "table"));
  BOOST_TEST(contains(with("{}"), "'version' is missing"));
  BOOST_TEST(contains(with(std::string(1000000, '[')), "nested deeper than 100"));
  BOOST_TEST(contains(replaced("\"version\":1", "\"version\":2"), "reads version 1"));
  BOOST_TEST(contains(replaced("\"step\"", "\"stop\""), "nearest"));
  BOOST_TEST(contains(replaced("\"step\":42", "\"step\":\"x\""), "an integer"));
  BOOST_TEST(contains(replaced("\"kind\":\"attention\"", "\"kind\":\"atention\""), "nearest"));
  BOOST_TEST(contains(replaced("\"context\":5", "\"context\":50"), "position"));
  io::TensorFile foreign = good;
  foreign.metadata.clear();
  BOOST_TEST(contains(error_of([&] { io::weights_of(foreign, "w"); }), "does not say"));
}

BOOST_AUTO_TEST_SUITE_END()
