#include "src/report/format.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace taut::report {
namespace {

template <class Replace>
std::string mapped(std::string_view text, Replace&& replace) {
  std::string out;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    const char shown = control ? ' ' : c;
    const std::string other = replace(shown);
    if (other.empty()) {
      out += shown;
    } else {
      out += other;
    }
  }
  return out;
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::string html_entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return "";
  }
}

}  // namespace

std::string percent(int64_t count, int64_t rows, Round round) {
  if (rows == 0) return "no rows";
  const int64_t scaled = count * 1000;
  int64_t tenths = scaled / rows;
  if (round == Round::nearest) tenths = (2 * scaled + rows) / (2 * rows);
  if (round == Round::up) tenths = (scaled + rows - 1) / rows;
  return fmt::format("{}.{} %", tenths / 10, tenths % 10);
}

std::string grouped(int64_t value) {
  std::string text = std::to_string(value);
  const size_t sign = value < 0 ? 1 : 0;
  for (size_t at = text.size(); at > sign + 3;) text.insert(at -= 3, ",");
  return text;
}

std::string html_text(std::string_view text) { return mapped(text, html_entity); }

std::string markdown_text(std::string_view text) {
  constexpr std::string_view special = "\\`*[]|";
  return mapped(text, [&](char c) {
    if (special.find(c) != std::string_view::npos) return std::string("\\") + c;
    return c == '"' || c == '\'' ? std::string() : html_entity(c);
  });
}

std::string plain_text(std::string_view text) {
  return mapped(text, [](char) { return std::string(); });
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string gnuplot_text(std::string_view text) {
  return mapped(text, [](char c) -> std::string {
    if (c == '\'') return "''";
    if (c == '<') return "‹";
    return c == '>' ? "›" : "";
  });
}

size_t columns(std::string_view utf8) {
  size_t count = 0;
  for (const char c : utf8) count += continues(c) ? 0 : 1;
  return count;
}

std::string shortened(std::string_view utf8, size_t longest) {
  const size_t length = columns(utf8);
  if (length <= longest) return std::string(utf8);
  size_t surplus = length - longest;
  while (surplus > 0 || continues(utf8[0])) {
    if (!continues(utf8[0])) --surplus;
    utf8.remove_prefix(1);
  }
  return "…" + std::string(utf8);
}

}  // namespace taut::report
