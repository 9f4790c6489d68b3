#include "src/data/tokenize.hpp"

#include <boost/test/unit_test.hpp>

#include "src/data/readers.hpp"
#include "src/data/token_shards.hpp"
#include "src/data/tokenizer.hpp"
#include "tests/data/bpe_making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

namespace {

// The text behind the shards of one part, in the order of their names.
std::string text_of(const std::filesystem::path& folder, const std::string& part, int count,
                    const data::Tokenizer& tokenizer) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const data::Shard shard = data::open_shard(folder / fmt::format("plays_{}_{:06}.bin", part, i));
    BOOST_TEST(shard.vocabulary == tokenizer.vocabulary);
    for (const uint16_t token : shard.tokens) text += tokenizer.decode(token);
  }
  return text;
}

int files_in(const std::filesystem::path& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

std::string lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("line {} is short\n", i);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tokenize_test)

BOOST_AUTO_TEST_CASE(both_parts_together_are_the_text_and_the_cut_is_at_a_line) {
  const test::TempFolder folder;
  const std::string text = lines(200) + test::many_scripts();
  test::write(folder / "plays.txt", text);
  test::trained_bpe(text, 30).save(folder / "bpe");
  for (const std::string name : {"byte", "bpe"}) {
    const std::string kind = name == "bpe" ? "bpe:" + (folder / "bpe").string() : name;
    const std::filesystem::path out = folder / ("out-" + name);
    const data::Tokenized made =
        data::tokenize(folder / "plays.txt", out, {.tokenizer = kind, .shard_tokens = 700});
    const data::Tokenizer tokenizer = data::open_tokenizer(kind, {}, 0);
    const int train = static_cast<int>((made.train + 699) / 700);
    const int held_out = static_cast<int>((made.validation + 699) / 700);
    BOOST_TEST(train > 1);
    BOOST_TEST(made.shards == train + held_out);
    BOOST_TEST(files_in(out) == made.shards);
    const std::string first = text_of(out, "train", train, tokenizer);
    const std::string second = text_of(out, "val", held_out, tokenizer);
    BOOST_TEST((first + second == text));
    BOOST_TEST(first.back() == '\n');
    const double share = static_cast<double>(second.size()) / static_cast<double>(text.size());
    BOOST_TEST((share <= 0.1 && share > 0.09), share);
    const data::Dataset dataset =
        data::open_dataset({.name = "shards:" + out.string(), .context = 16});
    BOOST_TEST(dataset.classes == tokenizer.vocabulary);
  }
}

BOOST_AUTO_TEST_CASE(names_that_look_like_a_part_tell_none) {
  const test::TempFolder folder;
  test::write(folder / "plays_val_train_.txt", lines(200));
  data::tokenize(folder / "plays_val_train_.txt", folder / "out", {});
  const data::Dataset dataset =
      data::open_dataset({.name = "shards:" + (folder / "out").string(), .context = 16});
  BOOST_TEST(data::size(dataset, dataset.train) > data::size(dataset, dataset.validation));
}

// A folder that is half written would pass for a shorter text.
BOOST_AUTO_TEST_CASE(a_failure_leaves_nothing_behind_and_takes_nothing_away) {
  const test::TempFolder folder;
  const auto error = [&](const std::string& out, const data::TokenizeOptions& options) {
    return test::error_of([&] { data::tokenize(folder / "plays.txt", folder / out, options); });
  };
  BOOST_TEST(contains(error("out", {}), "plays.txt"));
  test::write(folder / "plays.txt", "");
  BOOST_TEST(contains(error("out", {}), "is empty"));
  test::write(folder / "plays.txt", lines(100) + "b\xe9\n");
  test::trained_bpe("to be", 2).save(folder / "bpe");
  const std::string bpe = "bpe:" + (folder / "bpe").string();
  BOOST_TEST(contains(error("out", {.tokenizer = bpe, .shard_tokens = 100}), "expected UTF-8"));
  BOOST_TEST(contains(error("out", {.tokenizer = "word"}), "byte or bpe:FOLDER"));
  BOOST_TEST(contains(error("out", {.shard_tokens = 1}), "--shard_tokens"));
  BOOST_TEST(contains(error("out", {.validation = 1.0}), "--validation"));
  BOOST_TEST(contains(error("out", {.validation = std::nan("")}), "--validation"));
  BOOST_TEST(contains(error("out", {.validation = 1e-9}), "expected a line that begins"));
  BOOST_TEST(!std::filesystem::exists(folder / "out"));
  BOOST_TEST(files_in(folder.path()) == 2);
  test::write(folder / "out" / "mine", "x");
  BOOST_TEST(contains(error("out", {}), "is there already"));
  BOOST_TEST(test::read(folder / "out" / "mine") == "x");
  std::filesystem::create_directory(folder / "new");
  BOOST_TEST(error("new/", {}) == "");  // empty, with a slash
  BOOST_TEST(files_in(folder / "new") == 2);
  BOOST_TEST(files_in(folder.path()) == 4);
}

BOOST_AUTO_TEST_CASE(a_vocabulary_of_more_than_16_bits_is_refused) {
  const test::TempFolder folder;
  test::SmallBpe bpe = test::bytes_only();
  for (int i = 0; bpe.id.size() <= 65536; ++i) {
    bpe.id.emplace(fmt::format("x{}", i), static_cast<int64_t>(bpe.id.size()));
  }
  bpe.save(folder / "bpe");
  test::write(folder / "plays.txt", lines(100));
  const std::string error = test::error_of([&] {
    data::tokenize(folder / "plays.txt", folder / "out",
                   {.tokenizer = "bpe:" + (folder / "bpe").string()});
  });
  BOOST_TEST(contains(error, "ids below 65536"), error);
  BOOST_TEST(contains(error, "65537"), error);
}

BOOST_AUTO_TEST_SUITE_END()
