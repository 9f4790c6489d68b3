#include <boost/test/unit_test.hpp>

#include "tests/io/sample.hpp"
#include "tests/io/tamper.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;

namespace {

std::string truncated(const std::string& before, int64_t step) {
  const TempFolder folder;
  put(folder / "metrics.jsonl", before);
  io::truncate_metrics(folder.path(), step);
  return io::read_text(folder / "metrics.jsonl");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_test)

BOOST_AUTO_TEST_CASE(lines_are_appended_whole) {
  const TempFolder folder;
  io::append_metrics(folder.path(), "{\"step\": 1}");
  io::append_metrics(folder.path(), "{\"step\": 2}");
  BOOST_TEST(io::read_text(folder / "metrics.jsonl") == "{\"step\": 1}\n{\"step\": 2}\n");
  BOOST_CHECK_THROW(io::append_metrics(folder.path(), "{}\n{}"), Error);
  BOOST_CHECK_THROW(io::append_metrics(folder / "none", "{}"), Error);
}

BOOST_AUTO_TEST_CASE(later_steps_are_dropped) {
  const std::string one = "{\"step\": 1, \"loss\": 2.5}\n",
                    two = "{\"loss\": \"inf\", \"step\": 2}\n";
  BOOST_TEST(truncated(one + two, 2) == one + two);
  BOOST_TEST(truncated(one + two, 1) == one);
  BOOST_TEST(truncated(one + two + one, 1) == one + one);
  BOOST_TEST(truncated(one + two, 0) == "");
  BOOST_TEST(truncated("", 0) == "");
}

BOOST_AUTO_TEST_CASE(a_last_line_cut_anywhere_is_dropped) {
  const std::string one = "{\"step\": 1}\n",
                    two = "{\"step\": 2, \"text\": \"}\", \"x\": {\"y\": [1]}}";
  for (size_t size = 0; size < two.size(); ++size) {
    BOOST_TEST(truncated(one + two.substr(0, size), 9) == one, size);
  }
  BOOST_TEST(truncated(one + two, 9) == one + two + "\n");  // only its end of line is missing
  BOOST_TEST(truncated(one + std::string(30, '\0'), 9) == one);
}

BOOST_AUTO_TEST_CASE(a_bad_line_in_the_middle_is_named) {
  const std::string good = "{\"step\": 1}\n";
  for (const std::string bad :
       {"x\n", "[1]\n", "{\"loss\": 1}\n", "{\"step\": \"1\"}\n", "{\"step\": 1.5}\n", "\n"}) {
    const std::string text = error_of([&] { truncated(good + bad + good, 5); });
    BOOST_TEST(contains(text, "metrics.jsonl line 2"), text);
  }
}

BOOST_AUTO_TEST_CASE(no_metrics_is_no_error) {
  const TempFolder folder;
  io::truncate_metrics(folder.path(), 3);
  BOOST_TEST(entries(folder.path()) == 0u);
}

BOOST_AUTO_TEST_CASE(texts_are_written_whole) {
  const TempFolder folder;
  std::string text(3000004, 'x');
  text.replace(0, 4, "a\0b\n", 4);
  io::write_atomically(folder / "t", "old");
  io::write_atomically(folder / "t", text);
  BOOST_TEST((io::read_text(folder / "t") == text));
  BOOST_TEST(entries(folder.path()) == 1u);
  BOOST_TEST(contains(error_of([&] { io::read_text(folder / "none"); }), "No such file"));
  BOOST_TEST(contains(error_of([&] { io::read_text(folder.path()); }), "it is a folder"));
  BOOST_CHECK_THROW(io::write_atomically(folder / "t/x", "text"), Error);
}

BOOST_AUTO_TEST_SUITE_END()
