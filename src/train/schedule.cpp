#include "src/train/schedule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "src/core/core.hpp"

namespace taut::train {
namespace {

// Progress runs from 0 to 1; what falls goes from 1 to 0.
struct Decay {
  const char* name;
  double (*at)(double progress);
};

constexpr std::array kDecays = {
    Decay{"constant", [](double) { return 1.0; }},
    Decay{"linear", [](double p) { return 1 - p; }},
    Decay{"cosine", [](double p) { return 0.5 * (1 + std::cos(std::numbers::pi * p)); }},
};

}  // namespace

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Decay& decay : kDecays) all.emplace_back(decay.name);
    return all;
  }();
  return names;
}

double rate_multiplier(const std::string& name, int64_t step, int64_t steps, double warmup) {
  const auto rising = static_cast<int64_t>(warmup * static_cast<double>(steps));
  if (step < rising) return static_cast<double>(step + 1) / static_cast<double>(rising + 1);
  for (const Decay& decay : kDecays) {
    if (name != decay.name) continue;
    return decay.at(static_cast<double>(step - rising) / static_cast<double>(steps - rising));
  }
  fail("{}", unknown_name("schedule", name, schedule_names()));
}

double momentum_at(double start, double momentum, double share, int64_t step, int64_t steps) {
  const double rising = share * static_cast<double>(steps);
  if (static_cast<double>(step) >= rising) return momentum;
  return start + (momentum - start) * static_cast<double>(step) / rising;
}

double margin_share(int64_t step, int64_t steps) {
  return std::min(1.0, 3 * static_cast<double>(step) / static_cast<double>(steps));
}

}  // namespace taut::train
