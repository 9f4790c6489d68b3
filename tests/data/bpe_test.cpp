#include "src/data/bpe.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "src/core/core.hpp"
#include "src/data/readers.hpp"
#include "tests/data/bpe_making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

namespace {

std::string decoded(const data::Tokenizer& tokenizer, const std::vector<int32_t>& tokens) {
  std::string text;
  for (const int32_t token : tokens) text += tokenizer.decode(token);
  return text;
}

data::Bpe saved_and_read(const test::SmallBpe& bpe) {
  const test::TempFolder folder;
  bpe.save(folder.path());
  return data::read_bpe(folder.path());
}

// What read_bpe says about a pair of files.
std::string refusal(const std::string& vocabulary, const std::string& merges) {
  const test::TempFolder folder;
  test::write(folder / "vocab.json", vocabulary);
  test::write(folder / "merges.txt", merges);
  return test::error_of([&] { data::read_bpe(folder.path()); });
}

// The 256 bytes, and `more` after them.
std::string vocabulary_with(const std::string& more) {
  std::string text = nlohmann::json(test::bytes_only().id).dump();
  text.pop_back();
  return text + more + "}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bpe_test)

BOOST_AUTO_TEST_CASE(bytes_have_the_characters_that_gpt2_gives_them) {
  BOOST_TEST(data::printable("Az!~") == "Az!~");
  BOOST_TEST(data::printable(" ") == "\xc4\xa0");     // U+0120
  BOOST_TEST(data::printable("\n") == "\xc4\x8a");    // U+010A
  BOOST_TEST(data::printable("\xad") == "\xc5\x83");  // U+0143, the last one
  BOOST_TEST(data::printable("\xe9") == "\xc3\xa9");
  for (int b = 0; b < 256; ++b) {
    const std::string byte(1, static_cast<char>(b));
    BOOST_TEST((data::bytes_behind(data::printable(byte)) == byte), b);
  }
  for (const std::string none : {" ", "\xc5\x84", "\xe4\xbd\xa0", "\xc4", "\xc2\xad", "\x7f"}) {
    BOOST_TEST(!data::bytes_behind(none).has_value(), none);
  }
}

BOOST_AUTO_TEST_CASE(every_byte_string_comes_back_and_agrees_with_the_plain_algorithm) {
  const test::SmallBpe plain = test::trained_bpe(
      data::synthetic_sentences().substr(0, 3000) + test::many_scripts() + test::many_scripts(),
      150);
  const data::Bpe bpe = saved_and_read(plain);
  BOOST_TEST(bpe.tokens.size() == 406u);
  const data::Tokenizer tokenizer = data::bpe_tokens(bpe);
  std::mt19937_64 random(test::seed());
  const std::string source = data::synthetic_sentences();
  for (int i = 0; i < 300; ++i) {
    std::string piece = source.substr(random() % 20000, random() % 60);
    for (char& c : piece) {
      if (random() % 4 == 0) c = static_cast<char>(random());
    }
    const std::vector<int32_t> tokens = data::merged(bpe, piece);
    BOOST_TEST((tokens == plain.encode_piece(piece)));
    BOOST_TEST((decoded(tokenizer, tokens) == piece));
  }
  const std::string text = test::many_scripts() + source;
  const std::vector<int32_t> tokens = data::encoded(tokenizer, text);
  BOOST_TEST((decoded(tokenizer, tokens) == text));
  BOOST_TEST(tokens.size() < text.size() * 2 / 3);
}

// A file may rank a pair before its own parts: then the order of the rounds shows.
BOOST_AUTO_TEST_CASE(a_round_takes_every_place_of_a_pair_before_what_it_gives_rise_to) {
  test::SmallBpe plain = test::bytes_only();
  plain.id.emplace("ab", 256);
  plain.add("ab", "a");
  plain.add("a", "b");
  plain.add("b", "b");
  plain.add("bb", "a");
  plain.add("a", "a");
  const data::Bpe bpe = saved_and_read(plain);
  BOOST_TEST(data::merged(bpe, "abab") == (std::vector<int32_t>{256, 256}));
  std::mt19937_64 random(test::seed());
  for (int i = 0; i < 2000; ++i) {
    std::string piece;
    for (uint64_t n = random() % 14; n > 0; --n) piece += static_cast<char>('a' + random() % 2);
    BOOST_TEST((data::merged(bpe, piece) == plain.encode_piece(piece)), piece);
  }
}

// Quadratic work would take minutes.
BOOST_AUTO_TEST_CASE(a_piece_of_a_million_letters_is_no_trap) {
  test::SmallBpe plain = test::bytes_only();
  for (std::string token = "a"; token.size() < 64; token += token) plain.add(token, token);
  const data::Bpe bpe = saved_and_read(plain);
  BOOST_TEST(data::merged(bpe, std::string(1 << 20, 'a')).size() == size_t{1} << 14);
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf_8_is_an_error_that_names_file_and_byte) {
  const test::TempFolder folder;
  test::trained_bpe("to be or not to be", 8).save(folder / "bpe");
  test::write(folder / "latin", "to be or not to b\xe9 that is the question");
  const auto open = [&](const std::string& tokenizer) {
    return test::error_of([&] {
      data::open_dataset(
          {.name = "text:" + (folder / "latin").string(), .context = 3, .tokenizer = tokenizer});
    });
  };
  const std::string error = open("bpe:" + (folder / "bpe").string());
  BOOST_TEST(contains(error, (folder / "latin").string() + ": expected UTF-8, byte 17"), error);
  BOOST_TEST(open("byte") == "");
  BOOST_TEST(contains(open("bpe:" + (folder / "nothing").string()), "vocab.json"));
}

BOOST_AUTO_TEST_CASE(hostile_files_are_one_line_that_names_the_place) {
  const std::string good = vocabulary_with("");
  BOOST_TEST(refusal(good, "#version: 0.2\n") == "");
  const auto vocabulary_error = [&](const std::string& text, const std::string& part) {
    const std::string error = refusal(text, "#version: 0.2\n");
    BOOST_TEST(contains(error, "vocab.json: "), error);
    BOOST_TEST(contains(error, part), error);
    BOOST_TEST(!contains(error, "\n"), error);
  };
  vocabulary_error(good.substr(0, good.size() / 2), "expected JSON");
  vocabulary_error("{\"a\": 0, \"b\xff\": 1}", "expected JSON");
  vocabulary_error(std::string(100000, '['), "expected JSON");
  vocabulary_error("[1, 2]", "expected a JSON object");
  vocabulary_error("{}", "expected a JSON object");
  vocabulary_error(vocabulary_with(", \"ab\": 0"), "have the same id 0");
  vocabulary_error(vocabulary_with(", \"ab\": 257"),
                   "expected ids 0 to 256 for 257 tokens, got 257");
  vocabulary_error(vocabulary_with(", \"ab\": -1"), "got -1 for 'ab'");
  vocabulary_error(vocabulary_with(", \"ab\": 1.5"), "got 1.5");
  vocabulary_error(vocabulary_with(", \"ab\": \"256\""), "for 'ab'");
  vocabulary_error(vocabulary_with(", \"ab\": 256, \"ab\": 256"), "'ab' stands there twice");
  vocabulary_error(vocabulary_with(", \"a b\": 256"), "'a b' stands for no bytes");
  vocabulary_error(vocabulary_with(", \"\": 256"), "stands for no bytes");
  vocabulary_error("{\"a\": 0, \"b\": 1}", "no token for the byte 0");
  const auto merges_error = [&](const std::string& lines, const std::string& part) {
    const std::string error = refusal(vocabulary_with(", \"ab\": 256"), lines);
    BOOST_TEST(contains(error, "merges.txt, line 2: "), error);
    BOOST_TEST(contains(error, part), error);
  };
  BOOST_TEST(refusal(vocabulary_with(", \"ab\": 256"), "a b\r\n\r\n") == "");
  merges_error("#version: 0.2\nab c\n", "vocab.json has no token 'abc'");
  merges_error("#version: 0.2\nxy b\n", "vocab.json has no token 'xy'");
  merges_error("#version: 0.2\nab\n", "expected two tokens");
  merges_error("#version: 0.2\na b c\n", "expected two tokens");
  merges_error("#version: 0.2\n a b\n", "expected two tokens");
  merges_error("#version: 0.2\na \xff\n", "stands for no byte");
  merges_error("a b\na b\n", "'a b' stands there twice");
}

BOOST_AUTO_TEST_SUITE_END()
