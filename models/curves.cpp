#include "models/curves.hpp"

#include <array>
#include <limits>

#include "src/core/core.hpp"

namespace taut::models {
namespace {

struct Known {
  const char* name;
  double steepest;
};

// In enumeration order. |gelu'| is largest at sqrt(2): 1.12890414520; its tanh form near 1.4185:
// 1.12899306866; |silu'| where tanh(x / 2) = 2 / x, x = 2.39935728052: 1.09983932013.
constexpr std::array kCurves = {
    Known{"gelu", 1.12890415}, Known{"relu", 1},
    Known{"abs", 1},           Known{"gelu_tanh", 1.12899307},
    Known{"tanh", 1},          Known{"silu", 1.0998393202},
    Known{"max_min", 1},       Known{"relu_squared", std::numeric_limits<double>::infinity()},
};

}  // namespace

const std::vector<std::string>& curve_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Known& curve : kCurves) all.emplace_back(curve.name);
    return all;
  }();
  return names;
}

const char* curve_name(Curve curve) { return kCurves.at(static_cast<size_t>(curve)).name; }

Curve parse_curve(const std::string& name) {
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Curve::gelu_tanh;
  for (size_t i = 0; i < kCurves.size(); ++i) {
    if (name == kCurves[i].name) return static_cast<Curve>(i);
  }
  fail("{}", unknown_name("activation", name, curve_names()));
}

double steepest_slope(Curve curve) { return kCurves.at(static_cast<size_t>(curve)).steepest; }

}  // namespace taut::models
