#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/data/readers.hpp"
#include "tests/data/bpe_making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

namespace {

data::Dataset open(const test::TempFolder& folder, const data::DataOptions& options) {
  return data::read_labelled(folder.path(), options);
}

at::Tensor rows(const std::vector<int64_t>& values, int64_t columns) {
  return at::tensor(values, at::kLong).view({-1, columns});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(labelled_test)

BOOST_AUTO_TEST_CASE(sentences_are_words_cut_or_padded_to_the_context) {
  const test::TempFolder folder;
  test::write(folder / "train.tsv", "sentence\tlabel\ngood good film\t1\nbad bad bad film\t0\n");
  test::write(folder / "dev.tsv", "a good film\t1\r\nbad\t0\n\nbad bad good film film\t0");
  const data::Dataset dataset = open(folder, {.context = 4});
  // By frequency: bad, film, good; ids after <pad> and <unk>.
  BOOST_TEST(dataset.classes == 2);
  BOOST_TEST(dataset.input.vocabulary == 5);
  BOOST_TEST((dataset.input.kind == models::InputKind::tokens));
  BOOST_TEST(data::one_label_each(dataset));
  BOOST_TEST(data::size(dataset, dataset.train) == 2);
  BOOST_TEST(data::size(dataset, dataset.validation) == 3);
  const data::Batch train = data::gather(dataset, dataset.train, at::tensor({1, 0}, at::kLong));
  BOOST_TEST(at::equal(train.input, rows({2, 2, 2, 3, 4, 4, 3, 0}, 4)));
  BOOST_TEST(at::equal(train.label, rows({0, 1}, 1)));
  const data::Batch held = data::gather(dataset, dataset.validation, at::arange(3));
  BOOST_TEST(at::equal(held.input, rows({1, 4, 3, 0, 2, 0, 0, 0, 2, 2, 4, 3}, 4)));
  BOOST_TEST(at::equal(held.label, rows({1, 0, 0}, 1)));
  BOOST_TEST(contains(dataset.source, "train.tsv sha256 "));
  const data::Dataset capped = open(folder, {.context = 4, .vocabulary = 1});
  BOOST_TEST(capped.input.vocabulary == 3);
  BOOST_TEST(at::equal(capped.train.values, rows({1, 1, 1, 0, 2, 2, 2, 1}, 4)));
}

BOOST_AUTO_TEST_CASE(other_tokens_come_after_the_same_two) {
  const test::TempFolder folder;
  test::write(folder / "train.tsv", "abca\t1\nb\t0\n");
  test::write(folder / "dev.tsv", "cz\t1\n");
  const data::Dataset characters = open(folder, {.context = 3, .tokenizer = "character"});
  BOOST_TEST(characters.input.vocabulary == 5);
  BOOST_TEST(at::equal(characters.train.values, rows({2, 3, 4, 3, 0, 0}, 3)));
  BOOST_TEST(at::equal(characters.validation.values, rows({4, 1, 0}, 3)));
  const data::Dataset bytes = open(folder, {.context = 3, .tokenizer = "byte"});
  BOOST_TEST(bytes.input.vocabulary == 258);
  BOOST_TEST(at::equal(bytes.validation.values, rows({'c' + 2, 'z' + 2, 0}, 3)));
  test::trained_bpe("cz cz", 1).save(folder / "bpe");
  const data::Dataset bpe =
      open(folder, {.context = 3, .tokenizer = "bpe:" + (folder / "bpe").string()});
  BOOST_TEST(bpe.input.vocabulary == 259);
  BOOST_TEST(at::equal(bpe.validation.values, rows({258, 0, 0}, 3)));
}

BOOST_AUTO_TEST_CASE(malformed_lines_are_named) {
  const test::TempFolder folder;
  test::write(folder / "dev.tsv", "good\t1\n");
  const auto error = [&](const std::string& train, const data::DataOptions& options = {}) {
    test::write(folder / "train.tsv", train);
    const std::string text = test::error_of([&] { open(folder, options); });
    BOOST_TEST(!contains(text, "\n"), text);
    return text;
  };
  for (const auto& [line, part] :
       std::vector<std::pair<std::string, std::string>>{{"no label", "one tab"},
                                                        {"a\tb\t1", "one tab"},
                                                        {"good\t2", "label 0 or 1, got '2'"},
                                                        {"good\t", "label 0 or 1, got ''"},
                                                        {"good\t1 ", "label 0 or 1"},
                                                        {"\t1", "expected a sentence"},
                                                        {"  \t1", "expected a sentence"}}) {
    const std::string text = error("fine\t1\n" + line + "\nfine\t0\n");
    BOOST_TEST(contains(text, "train.tsv, line 2: "), text);
    BOOST_TEST(contains(text, part), text);
  }
  BOOST_TEST(contains(error(""), "is empty"));
  BOOST_TEST(contains(error("\n\n"), "holds no sentences"));
  BOOST_TEST(contains(error("sentence\tlabel\n"), "holds no sentences"));
  BOOST_TEST(contains(error("fine\t1\n", {.context = 0}), "context"));
  BOOST_TEST(contains(error("fine\t1\n", {.tokenizer = "words"}), "nearest: 'word'"));
  BOOST_TEST(
      contains(error("fine\t1\n", {.tokenizer = "byte", .vocabulary = 5}), "data.vocabulary"));
  test::trained_bpe("fine", 1).save(folder / "bpe");
  const std::string bad =
      error("fine\t1\nb\xe9\t0\n", {.tokenizer = "bpe:" + (folder / "bpe").string()});
  BOOST_TEST(contains(bad, "train.tsv, sentence 2: expected UTF-8, byte 1"), bad);
}

BOOST_AUTO_TEST_CASE(sst2_at_hand_is_read) {
  data::Dataset dataset;
  try {
    dataset = data::open_dataset({.name = "sst2"});
  } catch (const Error& error) {
    return test::skip(error.what());
  }
  BOOST_TEST(data::size(dataset, dataset.train) > 6000);
  BOOST_TEST(data::size(dataset, dataset.validation) > 800);
  BOOST_TEST(dataset.classes == 2);
  BOOST_TEST(dataset.input.vocabulary > 5000);
  // Few words of the validation part are new, and both labels are common.
  const at::Tensor& ids = dataset.validation.values;
  BOOST_TEST(ids.eq(1).sum().item<double>() < 0.15 * ids.gt(0).sum().item<double>());
  const double positive = dataset.validation.labels.to(at::kDouble).mean().item<double>();
  BOOST_TEST((positive > 0.4 && positive < 0.6));
}

BOOST_AUTO_TEST_SUITE_END()
