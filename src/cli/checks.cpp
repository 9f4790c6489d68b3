#include "src/cli/checks.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "src/core/core.hpp"
#include "src/train/options.hpp"

namespace taut::cli {
namespace {

template <class T>
std::optional<T> parsed(const std::string& text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc{} || stop != end) return std::nullopt;
  return value;
}

bool has_leading_zero(const std::string& text) {
  const size_t first = text.starts_with('-') ? 1 : 0;
  return text.size() > first + 1 && text[first] == '0';
}

// What a validator returns: nothing where the text is right.
std::string verdict(bool right, const std::string& expected, const std::string& text) {
  return right ? "" : fmt::format("expected {}, got {}", expected, text.empty() ? "''" : text);
}

template <class Holds>
CLI::Validator number(const std::string& expected, Holds holds) {
  return {[=](std::string& text) -> std::string {
            const std::optional<double> value = parsed<double>(text);
            if (!value || !std::isfinite(*value) || !holds(*value))
              return verdict(false, expected, text);
            return verdict(*value <= train::kMostNumber,
                           fmt::format("a number of at most {}", train::kMostNumber), text);
          },
          "number"};
}

}  // namespace

CLI::Validator whole_number(int64_t least, int64_t most) {
  return {[=](std::string& text) -> std::string {
            const std::optional<int64_t> value = parsed<int64_t>(text);
            if (value && has_leading_zero(text))
              return verdict(false, "a whole number without a leading zero", text);
            return verdict(value && *value >= least && *value <= most,
                           fmt::format("a whole number in [{}, {}]", least, most), text);
          },
          "count"};
}

CLI::Validator count(int64_t least) {
  return whole_number(least, std::numeric_limits<int32_t>::max());
}

CLI::Validator at_least(double least) {
  return number(fmt::format("a number >= {}", least), [=](double x) { return x >= least; });
}

CLI::Validator above(double least) {
  return number(fmt::format("a number > {}", least), [=](double x) { return x > least; });
}

CLI::Validator share() {
  return number("a number in [0, 1)", [](double x) { return x >= 0 && x < 1; });
}

CLI::Validator fraction() {
  return number("a number in (0, 1)", [](double x) { return x > 0 && x < 1; });
}

CLI::Validator truth() {
  return {[](std::string& text) -> std::string {
            const bool known = text == "true" || text == "false" || text == "1" || text == "0";
            return verdict(known, "true or false", text);
          },
          ""};
}

}  // namespace taut::cli
