#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cuda/reference/reference.hpp"

namespace taut::kernels::cuda::reference {
namespace {

// A group of a step, with what of its gradient may be followed.
struct Group {
  const double *clean, *delta;
  std::vector<double> gradient;
  double eps;
  int64_t first, width;
};

bool movable(const BallStep& s, int64_t entry) {
  return s.movable == nullptr || s.movable[entry / s.span] != 0;
}

Group group_of(const BallStep& s, int64_t number) {
  constexpr double most = std::numeric_limits<float>::max();
  const int64_t first = number * s.width;
  Group g{
      s.clean + first,          s.delta + first, std::vector<double>(static_cast<size_t>(s.width)),
      s.eps[number / s.groups], first,           s.width};
  for (int64_t i = 0; i < s.width; ++i) {
    const double raw = s.gradient[first + i];
    const double gradient = std::isnan(raw) ? 0 : std::clamp(raw, -most, most);
    // What the box takes back must not use up the length of the step. In the floats' own sum.
    const auto at = static_cast<float>(g.clean[i] + g.delta[i]);
    const bool shut = gradient > 0 ? at >= s.high : at <= s.low;
    g.gradient[static_cast<size_t>(i)] = shut || !movable(s, first + i) ? 0 : gradient;
  }
  return g;
}

// The Euclidean projection of v on box and ball: clip(s v) with the largest s <= 1 that is inside,
// by bisection.
void project(const BallStep& s, const Group& g, const std::vector<double>& v, double* d) {
  const auto inside = [&](double scale, int64_t i) {
    const double x = scale * v[static_cast<size_t>(i)];
    return std::clamp(x, s.low - g.clean[i], s.high - g.clean[i]);
  };
  double low = 0, high = 1;
  for (int halving = 0; halving < 100; ++halving) {
    const double scale = halving == 0 ? 1 : (low + high) / 2;
    double square = 0;
    for (int64_t i = 0; i < g.width; ++i) square += inside(scale, i) * inside(scale, i);
    (square <= g.eps * g.eps ? low : high) = scale;
  }
  for (int64_t i = 0; i < g.width; ++i) d[i] = inside(low, i);
}

void finish(const BallStep& s, const Group& g) {
  for (int64_t i = g.first; i < g.first + g.width; ++i) s.moved[i] = s.clean[i] + s.delta_out[i];
}

}  // namespace

void ball_step_linf(const BallStep& s) {
  for (int64_t number = 0; number < s.rows * s.groups; ++number) {
    const Group g = group_of(s, number);
    for (int64_t i = 0; i < s.width; ++i) {
      const double slope = g.gradient[static_cast<size_t>(i)];
      const double sign = slope > 0 ? 1 : slope < 0 ? -1 : 0;
      double d = movable(s, g.first + i) ? g.delta[i] + s.stride * g.eps * sign : 0;
      d = std::clamp(d, -g.eps, g.eps);
      s.delta_out[g.first + i] = std::clamp(d, s.low - g.clean[i], s.high - g.clean[i]);
    }
    finish(s, g);
  }
}

void ball_step_l2(const BallStep& s) {
  for (int64_t number = 0; number < s.rows * s.groups; ++number) {
    const Group g = group_of(s, number);
    double square = 0;
    for (const double slope : g.gradient) square += slope * slope;
    const double length = square > 0 ? s.stride * g.eps / std::sqrt(square) : 0;
    std::vector<double> v(g.gradient);
    for (int64_t i = 0; i < s.width; ++i) {
      double& to = v[static_cast<size_t>(i)];
      to = movable(s, g.first + i) ? g.delta[i] + length * to : 0;
    }
    project(s, g, v, s.delta_out + g.first);
    finish(s, g);
  }
}

}  // namespace taut::kernels::cuda::reference
