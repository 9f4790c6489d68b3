#pragma once

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace taut::cli {

// JSON has no infinity and no NaN: they are "inf", "-inf" and "nan".
inline nlohmann::json json_number(double value) {
  if (std::isfinite(value)) return value;
  return fmt::format("{}", value);
}

}  // namespace taut::cli
