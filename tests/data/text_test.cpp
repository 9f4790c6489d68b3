#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/data/readers.hpp"
#include "tests/data/making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

BOOST_AUTO_TEST_SUITE(text_test)

BOOST_AUTO_TEST_CASE(the_vocabulary_is_the_sorted_bytes_and_ids_give_the_text_back) {
  const test::TempFolder folder;
  const std::string text = "to be, or not to be: \xc3\xa9t\xc3\xa9.\n";
  test::write(folder / "a.txt", text);
  const data::Dataset dataset =
      data::open_dataset({.name = "text:" + (folder / "a.txt").string(), .context = 3});
  // Bytes, not signed characters: those above 127 come last.
  BOOST_TEST(dataset.symbols == "\n ,.:benort\xa9\xc3");
  BOOST_TEST(dataset.classes == 13);
  BOOST_TEST(dataset.input.vocabulary == 13);
  BOOST_TEST(dataset.input.context == 3);
  BOOST_TEST((dataset.input.kind == models::InputKind::tokens));
  std::string back;
  for (const data::Split* split : {&dataset.train, &dataset.validation}) {
    for (int64_t i = 0; i < split->values.size(0); ++i)
      back += dataset.symbols[split->values[i].item<int64_t>()];
  }
  BOOST_TEST(back == text);
  BOOST_TEST(contains(dataset.source, "a.txt sha256 "));
}

BOOST_AUTO_TEST_CASE(the_last_tenth_is_held_out_in_windows_side_by_side) {
  const std::string text = data::synthetic_sentences();
  const auto length = static_cast<int64_t>(text.size());
  const int64_t context = 50;
  const data::Dataset dataset = data::open_dataset({.name = "synthetic_text", .context = context});
  const int64_t held_out = dataset.validation.values.size(0);
  BOOST_TEST(held_out == (length + 9) / 10);
  BOOST_TEST(dataset.train.values.size(0) == length - held_out);
  BOOST_TEST(data::size(dataset, dataset.train) == length - held_out - context);
  BOOST_TEST(data::size(dataset, dataset.validation) == (held_out - 1) / context);
}

BOOST_AUTO_TEST_CASE(a_vocabulary_may_be_padded_and_not_cut) {
  data::DataOptions options{.name = "synthetic_text", .context = 8};
  const data::Dataset plain = data::open_dataset(options);
  options.vocabulary = plain.classes + 64;
  const data::Dataset padded = data::open_dataset(options);
  BOOST_TEST(padded.classes == plain.classes + 64);
  BOOST_TEST(padded.input.vocabulary == padded.classes);
  BOOST_TEST(at::equal(padded.train.values, plain.train.values));
  options.vocabulary = plain.classes - 1;
  BOOST_TEST(contains(test::error_of([&] { data::open_dataset(options); }), "data.vocabulary"));
}

BOOST_AUTO_TEST_CASE(the_shortest_text_has_one_window_in_each_part) {
  const test::TempFolder folder;
  for (const int64_t context : {1, 4, 9}) {
    std::string text;
    for (int64_t i = 0; i < 2 * (context + 1); ++i) text += static_cast<char>('a' + i % 3);
    const data::DataOptions options{.name = "text:" + (folder / "a").string(), .context = context};
    test::write(folder / "a", text);
    const data::Dataset dataset = data::open_dataset(options);
    BOOST_TEST(data::size(dataset, dataset.train) == 1);
    BOOST_TEST(data::size(dataset, dataset.validation) == 1);
    test::write(folder / "a", text.substr(1));
    BOOST_CHECK_THROW(data::open_dataset(options), Error);
  }
}

BOOST_AUTO_TEST_CASE(unusable_texts_are_errors_that_name_the_file) {
  const test::TempFolder folder;
  const auto open = [&](const std::string& name, int64_t context) {
    return test::error_of([&] {
      data::open_dataset({.name = "text:" + (folder / name).string(), .context = context});
    });
  };
  test::write(folder / "empty", "");
  test::write(folder / "short", "abcde");
  test::write(folder / "binary", std::string("abc\0defghij", 11));
  test::write(folder / "same", "aaaaaaaaaaaaaaa");
  test::write_gzip(folder / "nothing.gz", "");
  for (const char* name : {"missing", "empty", "short", "binary", "same", "nothing.gz", ""}) {
    BOOST_TEST(contains(open(name, 2), (folder / name).string()), name);
  }
  BOOST_TEST(contains(open("binary", 2), "NUL"));
  test::write(folder / "good", "abcabcabcabc");
  BOOST_TEST(open("good", 2) == "");
  BOOST_TEST(contains(open("good", 0), "context"));
}

BOOST_AUTO_TEST_CASE(shakespeare_at_hand_is_read) {
  data::Dataset dataset;
  try {
    dataset = data::open_dataset({.name = "shakespeare"});
  } catch (const Error& error) {
    return test::skip(error.what());
  }
  BOOST_TEST(data::size(dataset, dataset.train) > 900000);
  BOOST_TEST(dataset.classes >= 60);
  BOOST_TEST(dataset.classes <= 80);
}

BOOST_AUTO_TEST_SUITE_END()
