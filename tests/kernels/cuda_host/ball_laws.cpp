#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "checks.hpp"
#include "kernels/cuda/launch.hpp"

namespace taut::test {
namespace {

namespace cuda = kernels::cuda;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Input {
  std::vector<float> clean, delta, gradient;
  double eps, stride;
  float low, high;
};

struct Output {
  std::vector<float> delta, moved;
};

Output step(const Input& in, bool l2) {
  const size_t n = in.clean.size();
  Output out{in.delta, std::vector<float>(n)};
  cuda::BallStep s;
  s.rows = 1, s.groups = 1, s.width = static_cast<int64_t>(n);
  s.clean = in.clean.data(), s.delta = out.delta.data(), s.gradient = in.gradient.data();
  s.eps = &in.eps, s.stride = in.stride, s.low = in.low, s.high = in.high;
  s.delta_out = out.delta.data(), s.moved = out.moved.data();  // in place
  check((l2 ? cuda::ball_step_l2(s, nullptr) : cuda::ball_step_linf(s, nullptr)) == nullptr,
        "launch of a step");
  return out;
}

// Differences of floats and their squares' sums are exact to 2^-60 here, and the kernel keeps 1e-9.
bool inside(const Input& in, const Output& out, bool l2) {
  long double square = 0, largest = 0;
  bool boxed = true;
  for (size_t i = 0; i < in.clean.size(); ++i) {
    const long double change = static_cast<long double>(out.moved[i]) - in.clean[i];
    square += change * change;
    largest = std::max(largest, std::fabs(change));
    boxed = boxed && out.moved[i] >= in.low && out.moved[i] <= in.high &&
            std::fabs(change) <= std::fabs(static_cast<long double>(out.delta[i]));
  }
  return boxed && (l2 ? std::sqrt(square) : largest) <= in.eps;
}

Input random_input(std::mt19937_64& random, size_t n, bool boxed) {
  std::uniform_real_distribution<float> uniform(0, 1);
  std::normal_distribution<float> normal(0, 1);
  std::uniform_real_distribution<double> exponent(-8, 1);
  Input in{{},
           {},
           {},
           std::pow(10, exponent(random)),
           0.5,
           boxed ? 0.0f : -kInfinity,
           boxed ? 1.0f : kInfinity};
  for (size_t i = 0; i < n; ++i) {
    const float clean = uniform(random);
    in.clean.push_back(boxed && i % 3 == 0 ? std::round(clean) : clean);
    in.delta.push_back(normal(random) * static_cast<float>(in.eps));
    in.gradient.push_back(normal(random) * 1e20f);
  }
  return in;
}

void always_inside(std::mt19937_64& random) {
  for (int trial = 0; trial < 40; ++trial) {
    for (const bool l2 : {false, true}) {
      Input in = random_input(random, trial % 8 == 0 ? 1030 : 1 + static_cast<size_t>(trial) / 2,
                              trial % 2 == 0);
      check(inside(in, step(in, l2), l2), "inside ball and box");
      in.gradient[0] = trial % 3 == 0 ? std::nanf("") : kInfinity;
      check(inside(in, step(in, l2), l2), "inside, with a gradient that is no number");
      in.delta[0] = std::nanf("");
      check(inside(in, step(in, l2), l2), "inside, from a perturbation that is no number");
      for (const double eps : {0.0, 1e-44, 1e-30}) {
        in.eps = eps;
        check(inside(in, step(in, l2), l2), "inside the smallest balls");
      }
    }
  }
}

// From 0, without a box in the way: the step is the unit gradient times its length, exactly aimed.
void steps_go_uphill() {
  const Input in{{0.5f, 0.5f, 0.5f}, {0, 0, 0}, {3e30f, 0, -4e30f}, 0.25, 0.5, 0, 1};
  const Output two = step(in, true), most = step(in, false);
  const double by_two[] = {0.075, 0, -0.1}, by_most[] = {0.125, 0, -0.125};
  for (size_t i = 0; i < 3; ++i) {
    check(std::fabs(two.delta[i] - by_two[i]) <= 0x1p-24, "a step of l2");
    check(std::fabs(most.delta[i] - by_most[i]) <= 0x1p-24, "a step of linf");
  }
  // The first entry is shut by the box: the whole length goes to the last.
  const Input shut{{1, 0.5f, 0.5f}, {0, 0, 0}, {3, 0, -4}, 0.25, 0.5, 0, 1};
  const Output rest = step(shut, true);
  const Input unknown{{0.5f, 0.5f}, {0, 0}, {std::nanf(""), 2}, 0.25, 0.5, 0, 1};
  for (const bool l2 : {false, true}) {
    const Output known = step(unknown, l2);
    check(known.delta[0] == 0 && std::fabs(known.delta[1] - 0.125) <= 0x1p-24,
          "what is no number is not followed");
  }
  check(rest.delta[0] == 0 && std::fabs(rest.delta[2] + 0.125) <= 0x1p-24, "the box is no detour");
}

// Two entries, one cut off by the box: the ball's rest goes to the other, 3-4-5.
void box_and_ball_meet() {
  const Input in{{0.7f, 0.1f}, {10, 10}, {0, 0}, 0.5, 0, 0, 1};
  const Output out = step(in, true);
  check(std::fabs(out.delta[0] - 0.3) <= 1e-6 && std::fabs(out.delta[1] - 0.4) <= 1e-6,
        "the projection on box and ball");
}

// Rooms of .02, .04, ... .32 and 1: the ball's end is found after the box has cut off one more
// entry than at the start, and the whole ball is used.
void box_cuts_one_by_one() {
  Input in{{0}, std::vector<float>(6, 10), std::vector<float>(6, 0), 0.5, 0, 0, 1};
  for (float room = 0.02f; in.clean.size() < 6; room *= 2) in.clean.push_back(1 - room);
  const Output out = step(in, true);
  double square = 0;
  for (size_t i = 1; i < 6; ++i) {
    square += static_cast<double>(out.delta[i]) * out.delta[i];
    check(out.moved[i] == 1, "an entry at the edge of the box");
  }
  check(std::fabs(out.delta[0] - std::sqrt(0.25 - square)) <= 1e-6, "what the others leave");
}

}  // namespace

void ball_laws() {
  std::mt19937_64 random(20250718);
  always_inside(random);
  steps_go_uphill();
  box_and_ball_meet();
  box_cuts_one_by_one();
}

}  // namespace taut::test
