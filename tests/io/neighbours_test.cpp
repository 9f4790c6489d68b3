#include <boost/test/unit_test.hpp>

#include "src/io/io.hpp"
#include "tests/io/tamper.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using models::ForeignOptions;

BOOST_AUTO_TEST_SUITE(neighbours_test)

BOOST_AUTO_TEST_CASE(neighbours_say_what_stands_in_no_tensor) {
  const TempFolder folder;
  const auto complete = [&](const std::string& config) {
    put(folder / "config.json", config);
    ForeignOptions options;
    io::complete_from_neighbours(folder / "model.safetensors", options);
    return options;
  };
  const ForeignOptions gpt = complete(
      R"({"n_head": 12, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05, "x": null})");
  BOOST_TEST(gpt.heads == 12);
  BOOST_TEST(gpt.activation == "gelu_new");
  BOOST_TEST(gpt.norm_eps == 1e-5);
  put(folder / "preprocessor_config.json",
      R"({"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 2, 3]})");
  const ForeignOptions vit = complete(R"({"num_attention_heads": 3, "hidden_act": "gelu"})");
  BOOST_TEST(vit.heads == 3);
  BOOST_TEST((vit.mean == std::vector<double>{0.1, 0.2, 0.3}));
  BOOST_TEST((vit.std == std::vector<double>{1, 2, 3}));
  put(folder / "preprocessor_config.json",
      R"({"do_normalize": false, "image_mean": [0.5], "image_std": [0.5]})");
  BOOST_TEST(complete("{}").mean.empty());
  for (const char* eps : {"0", "-1e-5"}) {
    const std::string config = fmt::format(R"({{"layer_norm_eps": {}}})", eps);
    BOOST_TEST(contains(error_of([&] { complete(config); }), "expected layer_norm_eps > 0"));
  }
  BOOST_TEST(contains(error_of([&] { complete("[1]"); }), "config.json: expected a JSON object"));
  BOOST_TEST(contains(error_of([&] { complete(R"({"n_head": "12"})"); }), "expected an integer"));
  // The same tensors under another model: positions from 2 on, the mean in place of a class token.
  BOOST_TEST(contains(error_of([&] { complete(R"({"model_type": "roberta"})"); }), "roberta"));
  BOOST_TEST(complete(R"({"global_pool": "avg"})").pooling == "avg");
  BOOST_TEST(complete(R"({"architectures": ["BertModel"]})").saved_class == "BertModel");
  BOOST_TEST(complete(R"({"model_type": "bert", "num_attention_heads": 4})").heads == 4);
  for (const char* variant :
       {R"("position_embedding_type": "relative_key")", R"("scale_attn_weights": false)",
        R"("scale_attn_by_inverse_layer_idx": true)", R"("is_decoder": true)",
        R"("add_cross_attention": true)"}) {
    const std::string text = error_of([&] { complete(fmt::format("{{{}}}", variant)); });
    BOOST_TEST(contains(text, "no such network"), variant << text);
  }
  const std::string large = std::string(size_t{1} << 20, ' ') + "{}";
  BOOST_TEST(contains(error_of([&] { complete(large); }), "more than 1048576 bytes"));
  // What is said beside the file wins.
  put(folder / "config.json", R"({"n_head": 3, "hidden_act": "relu", "layer_norm_eps": 1e-3})");
  ForeignOptions said;
  said.heads = 2, said.activation = "abs", said.norm_eps = 1e-6, said.mean = {0.5};
  io::complete_from_neighbours(folder / "model.safetensors", said);
  BOOST_TEST(said.heads == 2);
  BOOST_TEST(said.activation == "abs");
  BOOST_TEST(said.norm_eps == 1e-6);
  BOOST_TEST(said.std.empty());
}

BOOST_AUTO_TEST_SUITE_END()
