#pragma once

#include <string>
#include <vector>

namespace taut::report {

// Cells hold plain text; each writer escapes for its own format. Rows may be shorter than the
// header.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

std::string to_text(const Table& table);      // columns aligned, for a terminal
std::string to_markdown(const Table& table);  // GitHub's pipe tables
std::string to_csv(const Table& table);       // RFC 4180: CRLF, quotes doubled
std::string to_html(const Table& table);      // a <table> fragment

}  // namespace taut::report
