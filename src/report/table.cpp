#include "src/report/table.hpp"

#include <algorithm>

#include "src/report/format.hpp"

namespace taut::report {
namespace {

std::string cell(const std::vector<std::string>& row, size_t column) {
  return column < row.size() ? row[column] : std::string();
}

template <class Write>
void for_each_row(const Table& table, Write&& write) {
  write(table.header, true);
  for (const auto& row : table.rows) write(row, false);
}

}  // namespace

std::string to_text(const Table& table) {
  std::vector<size_t> widths(table.header.size(), 0);
  // A row with only its first cell is a heading; it must not widen the first column.
  const auto heading = [](const std::vector<std::string>& row) { return row.size() == 1; };
  for_each_row(table, [&](const std::vector<std::string>& row, bool) {
    if (heading(row)) return;
    for (size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], columns(cell(row, i)));
  });
  std::string out;
  for_each_row(table, [&](const std::vector<std::string>& row, bool header) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string text = plain_text(cell(row, i));
      line += text;
      if (heading(row)) break;
      line.append(widths[i] - columns(text) + 2, ' ');
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    if (!header) return;
    for (const size_t width : widths) out += std::string(width, '-') + "  ";
    out.replace(out.size() - 2, 2, "\n");
  });
  return out;
}

std::string to_markdown(const Table& table) {
  std::string out;
  for_each_row(table, [&](const std::vector<std::string>& row, bool header) {
    out += '|';
    for (size_t i = 0; i < table.header.size(); ++i)
      out += ' ' + markdown_text(cell(row, i)) + " |";
    out += '\n';
    if (!header) return;
    out += '|';
    for (size_t i = 0; i < table.header.size(); ++i) out += "---|";
    out += '\n';
  });
  return out;
}

std::string to_csv(const Table& table) {
  std::string out;
  for_each_row(table, [&](const std::vector<std::string>& row, bool) {
    for (size_t i = 0; i < table.header.size(); ++i) {
      out += (i > 0 ? "," : "") + csv_field(cell(row, i));
    }
    out += "\r\n";
  });
  return out;
}

std::string to_html(const Table& table) {
  std::string out = "<div class=\"wide\"><table>\n";
  for_each_row(table, [&](const std::vector<std::string>& row, bool header) {
    out += header ? "<thead><tr>" : "<tr>";
    for (size_t i = 0; i < table.header.size(); ++i) {
      const std::string tag = header ? "th scope=\"col\"" : i == 0 ? "th scope=\"row\"" : "td";
      out += '<' + tag + '>' + html_text(cell(row, i)) + "</" + tag.substr(0, 2) + '>';
    }
    out += header ? "</tr></thead>\n<tbody>\n" : "</tr>\n";
  });
  return out + "</tbody></table></div>\n";
}

}  // namespace taut::report
