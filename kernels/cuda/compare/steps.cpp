#include "kernels/cuda/compare/arrays.hpp"
#include "kernels/cuda/reference/reference.hpp"

#include <limits>

namespace taut::kernels::cuda {
namespace {

constexpr float kEndless = std::numeric_limits<float>::infinity();

// An attack in the making: rows and groups are the matrices of W and their rows, W's entries the
// gradient and, scaled into the box, the clean input.
struct Attack {
  std::string name;
  bool l2;
  int64_t rows, groups, width, span;
  float low, high;
  std::vector<float> clean, delta, gradient;
  std::vector<unsigned char> movable;
  std::vector<double> eps;
  int64_t size() const { return rows * groups * width; }
};

constexpr double kStride = 0.6;

Attack attack_on(const Matrices& w, std::string name, bool l2, bool by_group, bool boxed) {
  Attack a{std::move(name),
           l2,
           w.batch,
           by_group ? w.rows : 1,
           by_group ? w.cols : w.rows * w.cols,
           w.cols,
           boxed ? 0.0f : -kEndless,
           boxed ? 1.0f : kEndless,
           {},
           {},
           w.entries,
           {},
           {}};
  for (int64_t i = 0; i < a.size(); ++i) {
    const auto at = static_cast<double>(i);
    // Every fifth pixel on the edge of the box; perturbations that lie in it.
    const double inner = 0.5 + 0.5 * std::sin(7 * at + 1);
    const double clean = i % 5 == 0 ? std::round(inner) : inner;
    const double aim = 0.5 + 0.5 * std::sin(3 * at);
    a.clean.push_back(static_cast<float>(clean));
    a.delta.push_back(static_cast<float>(0.3 * (aim - clean)));
  }
  for (int64_t i = 0; i < w.batch * w.rows; ++i) a.movable.push_back(i % 4 != 3);
  for (int64_t i = 0; i < a.rows; ++i) {
    a.eps.push_back(a.l2 ? 0.2 * std::sqrt(static_cast<double>(a.width)) /
                               (1 + static_cast<double>(i))
                         : 0.1 + 0.05 * static_cast<double>(i));
  }
  return a;
}

struct Moved {
  std::vector<double> delta, moved;
};

Moved by_reference(const Attack& a) {
  const std::vector<double> clean = widened(a.clean), delta = widened(a.delta),
                            gradient = widened(a.gradient);
  Moved out{std::vector<double>(clean.size()), std::vector<double>(clean.size())};
  const reference::BallStep step{
      a.rows,          a.groups,         a.width,          clean.data(),    delta.data(),
      gradient.data(), a.movable.data(), a.span,           a.eps.data(),    kStride,
      a.low,           a.high,           out.delta.data(), out.moved.data()};
  a.l2 ? reference::ball_step_l2(step) : reference::ball_step_linf(step);
  return out;
}

Moved by_kernel(const Device& device, const Attack& a) {
  const BallStep step{a.rows,
                      a.groups,
                      a.width,
                      put(device, a.clean),
                      put(device, a.delta),
                      put(device, a.gradient),
                      put(device, a.movable),
                      a.span,
                      put(device, a.eps),
                      kStride,
                      a.low,
                      a.high,
                      space<float>(device, a.size()),
                      space<float>(device, a.size())};
  launched(a.name.c_str(),
           a.l2 ? ball_step_l2(step, device.stream) : ball_step_linf(step, device.stream));
  return {take(device, step.delta_out, a.size()), take(device, step.moved, a.size())};
}

// v = delta + step is rounded once, the result once more; the kernel aims 1e-9 inside, and 2^-23
// where it scales. A ball that is smaller by a share changes the free entries by that share times
// eps^2 / ||free||^2 and their size, so by eps / ||free|| times its own change.
std::vector<double> allowed_of(const Attack& a, const Moved& expected) {
  std::vector<double> allowed;
  for (int64_t group = 0; group < a.rows * a.groups; ++group) {
    const double eps = a.eps[sized(group / a.groups)];
    double free = 0, before = 0;
    for (int64_t i = group * a.width; i < (group + 1) * a.width; ++i) {
      const double d = expected.delta[sized(i)], moved = expected.moved[sized(i)];
      before += std::pow(a.delta[sized(i)], 2);
      if (moved > a.low && moved < a.high) free += d * d;
    }
    const double length = std::sqrt(before) + kStride * eps;
    const double stretch = a.l2 && free > 0 ? std::max(1.0, eps / std::sqrt(free)) : 1;
    const double off = 2 * kRound * (length + eps) + (1.1e-9 + 0x1p-22) * eps * stretch;
    for (int64_t i = 0; i < a.width; ++i) {
      const double own = std::fabs(a.delta[sized(group * a.width + i)]) + kStride * eps;
      allowed.push_back(a.l2 ? off : 1.1e-9 * eps + 2 * kRound * (own + eps) + kLeast);
    }
  }
  return allowed;
}

// In exact arithmetic moved - clean is in the ball; here it is a double sum, which the 1e-9 by
// which the kernel stays inside covers.
void judge_inside(const Attack& a, const Moved& got, std::vector<Comparison>& out) {
  std::vector<double> change(got.moved.size()), size, eps;
  std::vector<double> low(change.size(), a.low), above(change.size());
  for (size_t i = 0; i < change.size(); ++i) {
    change[i] = got.moved[i] - a.clean[i];
    above[i] = std::max(a.low - got.moved[i], got.moved[i] - a.high);
    if (a.movable[i / sized(a.span)] == 0) above[i] = std::max(above[i], std::fabs(change[i]));
  }
  size.resize(sized(a.rows * a.groups));
  reference::row_norms(change.data(), size.data(), a.rows * a.groups, a.width);
  for (int64_t group = 0; group < a.rows * a.groups; ++group) {
    eps.push_back(a.eps[sized(group / a.groups)]);
    if (a.l2) continue;
    double largest = 0;
    for (int64_t i = group * a.width; i < (group + 1) * a.width; ++i) {
      largest = std::max(largest, std::fabs(change[sized(i)]));
    }
    size[sized(group)] = largest;
  }
  out.push_back(judge_limit(a.name + ": beyond the ball", size, eps));
  out.push_back(judge_limit(a.name + ": beyond the box", above, std::vector<double>(above.size())));
}

void compare_attack(const Device& device, const Attack& a, std::vector<Comparison>& out) {
  const Moved expected = by_reference(a), got = by_kernel(device, a);
  const std::vector<double> allowed = allowed_of(a, expected);
  out.push_back(judge(a.name, got.delta, expected.delta, allowed));
  std::vector<double> for_moved = allowed;  // the sum is rounded, and once more towards clean
  for (size_t i = 0; i < allowed.size(); ++i) {
    for_moved[i] += 4 * kRound * std::fabs(expected.moved[i]) + 4 * kRound * allowed[i] + kLeast;
  }
  out.push_back(judge(a.name + ": moved", got.moved, expected.moved, for_moved));
  judge_inside(a, got, out);
}

}  // namespace

std::vector<Comparison> compare_steps(const Device& device, const Matrices& w) {
  std::vector<Comparison> out;
  compare_attack(device, attack_on(w, "ball_step_linf", false, false, true), out);
  compare_attack(device, attack_on(w, "ball_step_l2", true, false, false), out);
  compare_attack(device, attack_on(w, "ball_step_l2, boxed", true, false, true), out);
  compare_attack(device, attack_on(w, "ball_step_l2, every token", true, true, false), out);
  return out;
}

}  // namespace taut::kernels::cuda
