#include "src/data/plays.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/data/making.hpp"
#include "tests/support.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(plays_test)

BOOST_AUTO_TEST_CASE(title_byline_end_and_marks_go) {
  const std::string text =
      "A PLAY\r\n\nby William Shakespeare\n\n\n\n\nACT 1.  \n\n\n\n  A. Speak!\t\xe9\n@@@@\nTHE "
      "END of it\n"
      "{Aside.] a/b _c_\n\n[Exeunt.}\n\n\nTHE END";
  BOOST_TEST(data::work_of(text, "x") ==
             "ACT 1.\n\n  A. Speak!\n\nTHE END of it\n[Aside.] ab c\n\n[Exeunt.]\n");
  BOOST_TEST(data::work_of("THE SONNETS\nby William Shakespeare\n\nI\n", "x") == "I\n");
}

BOOST_AUTO_TEST_CASE(a_text_without_the_byline_is_an_error) {
  for (const std::string text : {"", "A PLAY\n\nby Christopher Marlowe\n\nACT 1.\n",
                                 "\n\n\n\n\n\n\n\n\n\n\n\nby William Shakespeare\nACT 1.\n",
                                 "A PLAY\nby William Shakespeare\n\nTHE END\n"}) {
    BOOST_TEST(
        test::contains(test::error_of([&] { data::work_of(text, "some.txt"); }), "some.txt"));
  }
}

BOOST_AUTO_TEST_CASE(works_are_joined_in_the_order_of_their_names) {
  const test::TempFolder folder;
  test::write(folder / "b_gut.txt", "B\nby William Shakespeare\nsecond\n");
  test::write(folder / "a_gut.txt", "A\nby William Shakespeare\nfirst");
  test::write(folder / "a_gut_f.txt", "the folio edition");
  BOOST_TEST(data::all_works(folder.path()) == "first\n\nsecond\n");
}

BOOST_AUTO_TEST_SUITE_END()
