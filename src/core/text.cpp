#include "src/core/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "src/core/error.hpp"

namespace taut {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row.back();
}

double parse_decimal(std::string_view part, std::string_view whole) {
  double value = 0;
  const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), value);
  require(code == std::errc{} && end == part.data() + part.size() && std::isfinite(value) &&
              value >= 0 && !part.empty(),
          "expected a non-negative number or a fraction such as 36/255, got '{}'", whole);
  return value;
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  const auto best = std::min_element(candidates.begin(), candidates.end(),
                                     [&](const std::string& a, const std::string& b) {
                                       return edit_distance(name, a) < edit_distance(name, b);
                                     });
  return best == candidates.end() ? std::string() : *best;
}

std::string unknown_name(std::string_view what, std::string_view name,
                         const std::vector<std::string>& known) {
  return fmt::format("unknown {} '{}' (nearest: '{}'; known: {})", what, name, nearest(name, known),
                     join(known, ", "));
}

double parse_size(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return parse_decimal(text, text);
  const double denominator = parse_decimal(text.substr(slash + 1), text);
  require(denominator > 0, "the denominator of '{}' is zero", text);
  return parse_decimal(text.substr(0, slash), text) / denominator;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

std::string shape_text(c10::IntArrayRef sizes) {
  std::vector<std::string> parts;
  for (const int64_t size : sizes) parts.push_back(std::to_string(size));
  return parts.empty() ? "scalar" : join(parts, " x ");
}

}  // namespace taut
