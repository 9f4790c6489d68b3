#pragma once

#include <string>
#include <variant>
#include <vector>

#include "src/report/plot.hpp"
#include "src/report/table.hpp"

// A report as data, written once as HTML and once as Markdown.
namespace taut::report {

struct Heading {
  std::string text;
  int level = 2;
};
struct Paragraph {
  std::string text;
};
struct Verdict {
  std::string text;
  bool good = true;
};
struct Figure {
  Plot plot;
  std::string caption;
};
struct Fold {  // closed until clicked; in Markdown under a heading
  std::string title;
  Table table;
};
using Block = std::variant<Heading, Paragraph, Verdict, Table, Figure, Fold>;
using Document = std::vector<Block>;

// One page, complete in itself: no scripts, no references to the outside. The title is escaped like
// everything else.
std::string to_html(const Document& document, const std::string& title);

// Figures become their captions.
std::string to_markdown(const Document& document, const std::string& title);

}  // namespace taut::report
