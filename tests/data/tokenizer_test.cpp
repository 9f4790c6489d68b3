#include "src/data/tokenizer.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/data/readers.hpp"
#include "tests/data/bpe_making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;
using Ids = std::vector<int32_t>;

BOOST_AUTO_TEST_SUITE(tokenizer_test)

BOOST_AUTO_TEST_CASE(bytes_are_their_own_ids) {
  std::string all;
  for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
  const data::Tokenizer tokenizer = data::byte_tokens();
  const Ids ids = data::encoded(tokenizer, all);
  BOOST_TEST(tokenizer.vocabulary == 256);
  BOOST_TEST_REQUIRE(ids.size() == 256u);
  for (int32_t b = 0; b < 256; ++b) {
    BOOST_TEST(ids[static_cast<size_t>(b)] == b);
    BOOST_TEST((tokenizer.decode(b) == std::string(1, static_cast<char>(b))));
  }
}

BOOST_AUTO_TEST_CASE(characters_outside_the_alphabet_are_unknown) {
  const data::Tokenizer tokenizer = data::open_tokenizer("character", {"banana", "\xff"}, 0);
  BOOST_TEST(data::encoded(tokenizer, "nab\xffx") == (Ids{2, 0, 1, 3, data::kUnknownToken}));
  BOOST_TEST(tokenizer.decode(3) == "\xff");
}

BOOST_AUTO_TEST_CASE(words_are_ranked_by_frequency_then_by_their_bytes) {
  const std::vector<std::string> texts{"b a b once", " c\ta b ", "c d d a"};
  BOOST_TEST(data::frequent_words(texts, 0) == (std::vector<std::string>{"a", "b", "c", "d"}));
  BOOST_TEST(data::frequent_words(texts, 2) == (std::vector<std::string>{"a", "b"}));
  const data::Tokenizer tokenizer = data::open_tokenizer("word", texts, 3);
  BOOST_TEST(tokenizer.vocabulary == 3);
  BOOST_TEST(data::encoded(tokenizer, "  c d  a ") == (Ids{2, data::kUnknownToken, 0}));
  BOOST_TEST(tokenizer.decode(1) == "b");
}

BOOST_AUTO_TEST_CASE(unknown_names_and_misplaced_sizes_are_refused) {
  const auto error = [](const data::DataOptions& options) {
    return test::error_of([&] { data::open_dataset(options); });
  };
  const std::string unknown = error({.name = "synthetic_text", .context = 8, .tokenizer = "bytes"});
  BOOST_TEST(contains(unknown, "nearest: 'byte'"), unknown);
  BOOST_TEST(contains(unknown, "bpe:FOLDER"), unknown);
  BOOST_TEST(contains(error({.name = "synthetic_text", .context = 8, .tokenizer = "word"}),
                      "data.tokenizer"));
  BOOST_TEST(contains(error({.name = "synthetic_text", .context = 8, .vocabulary = 9}),
                      "data.vocabulary"));
  BOOST_TEST(contains(error({.name = "synthetic", .tokenizer = "byte"}), "images"));
  BOOST_TEST(error({.name = "synthetic_text", .context = 8, .tokenizer = "byte"}) == "");
}

BOOST_AUTO_TEST_CASE(a_text_in_bpe_tokens_gives_itself_back) {
  const test::TempFolder folder;
  const std::string text = test::many_scripts() + test::many_scripts();
  test::write(folder / "text", text);
  test::trained_bpe(text, 40).save(folder / "bpe");
  const std::string name = "bpe:" + (folder / "bpe").string();
  const data::Dataset dataset = data::open_dataset(
      {.name = "text:" + (folder / "text").string(), .context = 5, .tokenizer = name});
  BOOST_TEST(dataset.classes == 296);
  BOOST_TEST(dataset.input.vocabulary == 296);
  BOOST_TEST(!data::one_label_each(dataset));
  const data::Tokenizer tokenizer = data::open_tokenizer(name, {}, 0);
  std::string back;
  for (const data::Split* split : {&dataset.train, &dataset.validation}) {
    for (int64_t i = 0; i < split->values.size(0); ++i)
      back += tokenizer.decode(split->values[i].item<int64_t>());
  }
  BOOST_TEST(back == text);
}

BOOST_AUTO_TEST_SUITE_END()
