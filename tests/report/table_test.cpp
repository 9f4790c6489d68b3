#include "src/report/table.hpp"

#include <boost/test/unit_test.hpp>

using namespace taut::report;

BOOST_AUTO_TEST_SUITE(table_test)

BOOST_AUTO_TEST_CASE(text_is_aligned_by_characters) {
  const Table table{{"", "a", "bär"}, {{"long label", "1", "2"}, {"x", "ü", "3"}}};
  BOOST_TEST(to_text(table) ==
             "            a  bär\n"
             "----------  -  ---\n"
             "long label  1  2\n"
             "x           ü  3\n");
}

BOOST_AUTO_TEST_CASE(a_lone_first_cell_is_a_heading_and_widens_nothing) {
  const Table table{{"", "a"}, {{"a heading that is longer than all else"}, {"x", "1"}}};
  BOOST_TEST(to_text(table) ==
             "   a\n"
             "-  -\n"
             "a heading that is longer than all else\n"
             "x  1\n");
}

BOOST_AUTO_TEST_CASE(markdown_cells_cannot_open_columns_or_tags) {
  const Table table{{"run", "value"}, {{"a|b<script>", "1"}, {"short"}}};
  BOOST_TEST(to_markdown(table) ==
             "| run | value |\n|---|---|\n| a\\|b&lt;script&gt; | 1 |\n| short |  |\n");
}

BOOST_AUTO_TEST_CASE(csv_has_one_record_a_row) {
  const Table table{{"run", "value"}, {{"a,\"b\"", "1"}, {"short"}}};
  BOOST_TEST(to_csv(table) == "run,value\r\n\"a,\"\"b\"\"\",1\r\nshort,\r\n");
}

BOOST_AUTO_TEST_CASE(html_cells_are_escaped) {
  const Table table{{"<i>"}, {{"<script>"}}};
  const std::string html = to_html(table);
  BOOST_TEST(html.find("<script>") == std::string::npos);
  BOOST_TEST(html.find("<th scope=\"row\">&lt;script&gt;</th>") != std::string::npos);
  BOOST_TEST(html.find("<th scope=\"col\">&lt;i&gt;</th>") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
