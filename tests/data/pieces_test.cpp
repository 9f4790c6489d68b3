#include "src/data/pieces.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/data/bpe_making.hpp"
#include "tests/support.hpp"

using namespace taut;

namespace {

std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> all;
  data::for_each_piece(text, [&](std::string_view piece) { all.emplace_back(piece); });
  return all;
}

using Pieces = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(pieces_test)

BOOST_AUTO_TEST_CASE(words_take_the_space_before_them_and_contractions_stand_alone) {
  BOOST_TEST(pieces("Hello world, it's 42!") ==
             (Pieces{"Hello", " world", ",", " it", "'s", " 42", "!"}));
  BOOST_TEST(pieces("we've they'll I'd IT'S") ==
             (Pieces{"we", "'ve", " they", "'ll", " I", "'d", " IT", "'", "S"}));
  BOOST_TEST(pieces("") == Pieces{});
}

// The last of several spaces goes with the word; at the end they stay together.
BOOST_AUTO_TEST_CASE(runs_of_spaces_leave_one_for_the_word) {
  BOOST_TEST(pieces("a   b\n\nc  ") == (Pieces{"a", "  ", " b", "\n", "\n", "c", "  "}));
  BOOST_TEST(pieces("  ") == Pieces{"  "});
}

BOOST_AUTO_TEST_CASE(letters_numbers_and_spaces_are_those_of_unicode) {
  BOOST_TEST(pieces("\xc3\xa9t\xc3\xa9 \xd9\xa3\xd9\xa4x") ==
             (Pieces{"\xc3\xa9t\xc3\xa9", " \xd9\xa3\xd9\xa4", "x"}));
  // No-break spaces and U+0085 are spaces; U+180E, U+200B and U+001C are none.
  BOOST_TEST(pieces("a\xc2\xa0\xc2\x85") == (Pieces{"a", "\xc2\xa0\xc2\x85"}));
  for (const std::string other : {"\xe1\xa0\x8e", "\xe2\x80\x8b", "\x1c"}) {
    BOOST_TEST(pieces("a " + other + " ") == (Pieces{"a", " " + other, " "}));
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_lost) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += test::many_scripts() + std::string(i, ' ');
  std::string back;
  for (const std::string& piece : pieces(text)) {
    BOOST_TEST(!piece.empty());
    back += piece;
  }
  BOOST_TEST((back == text));
  const std::string wide(3000000, ' '), letters(3000000, 'a');
  BOOST_TEST((pieces(wide) == Pieces{wide}));
  BOOST_TEST((pieces(letters + "!") == Pieces{letters, "!"}));
}

BOOST_AUTO_TEST_CASE(what_is_not_utf_8_is_named_by_its_byte) {
  for (const std::string bad : {"\xff", "\xc3(", "\xed\xa0\x80", "\xf0\x9f\x98", "\xc0\x80"}) {
    const std::string error = test::error_of([&] { pieces("abc \xc3\xa9 " + bad); });
    BOOST_TEST(test::contains(error, "expected UTF-8, byte 7 is not"), error);
  }
}

BOOST_AUTO_TEST_SUITE_END()
