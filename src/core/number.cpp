#include "src/core/number.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace taut {

std::string exact(double value) {
  if (std::isnan(value)) return "nan";
  return fmt::format("{}", value);
}

std::string number(double value, Round round, int digits) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{:.{}g}", value, digits);
  const double shown = std::strtod(text.c_str(), nullptr);
  const bool wrong_side =
      (round == Round::down && shown > value) || (round == Round::up && shown < value);
  if (!wrong_side) return text;
  // One unit in the last shown place lands on the right side: the nearest text is off by half at
  // most. Below the normal numbers the unit may vanish; then every digit is shown.
  const double unit = std::pow(10.0, std::floor(std::log10(std::fabs(value))) - digits + 1);
  if (std::fpclassify(unit) != FP_NORMAL) return exact(value);
  return fmt::format("{:.{}g}", round == Round::down ? value - unit : value + unit, digits);
}

}  // namespace taut
