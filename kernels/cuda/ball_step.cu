#include <cmath>
#include <cstdint>

#include "kernels/cuda/ball.hpp"
#include "kernels/cuda/launch.hpp"

namespace taut::kernels::cuda {
namespace {

// Bound by memory: three reads and two writes, where step, clip, box and sum are five kernels.
template <int size>
__global__ void linf(BallStep s) {
  const Team<size> team;
  for (int64_t group = team.first; group < s.rows * s.groups; group += team.stride) {
    const double eps = s.eps[group / s.groups];
    const double reach = eps >= 0 ? not_above(eps * kInside) : 0.0;  // of NaN, nothing
    for (int64_t i = team.rank; i < s.width; i += size) {
      const int64_t entry = group * s.width + i;
      const float g = slope(s, entry);
      const double sign = g > 0 ? 1.0 : g < 0 ? -1.0 : 0.0;
      const double to = can_move(s, entry) ? s.delta[entry] + s.stride * eps * sign : 0.0;
      const Room room(s, s.clean[entry]);
      settle(s, entry, static_cast<float>(room.clip(fmin(fmax(to, -reach), reach))));
    }
  }
}

// v = delta + step, kept in delta_out: every thread comes back to its own entries only.
template <int size>
__device__ void climb(const Team<size>& team, const BallStep& s, int64_t first, double eps) {
  const double square = team.sum_over(s.width, [&](int64_t i) {
    const double g = slope(s, first + i);
    return g * g;
  });
  const double length = square > 0 ? s.stride * eps / sqrt(square) : 0.0;
  for (int64_t i = team.rank; i < s.width; i += size) {
    const int64_t entry = first + i;
    const double to = s.delta[entry] + length * slope(s, entry);
    s.delta_out[entry] = can_move(s, entry) ? static_cast<float>(to) : 0.0f;
  }
}

template <int size>
__device__ double clipped_square(const Team<size>& team, const BallStep& s, int64_t first,
                                 double scale) {
  return team.sum_over(s.width, [&](int64_t i) {
    const double d = Room(s, s.clean[first + i]).clip(scale * s.delta_out[first + i]);
    return d * d;
  });
}

// The projection is clip(s v) with the largest s <= 1 that stays in the ball. With u = s^2 the
// square ||clip(s v)||^2 is increasing, concave and piecewise linear in u: Newton's method from u =
// (eps / ||v||)^2, inside the ball, climbs to the solution without leaving it, in finitely many
// steps. Without a box the start is the solution. Every row stops when it is done.
template <int size>
__device__ double projection_scale(const Team<size>& team, const BallStep& s, int64_t first,
                                   double eps) {
  const double square = team.sum_over(s.width, [&](int64_t i) {
    const double v = s.delta_out[first + i];
    return v * v;
  });
  if (square <= eps * eps) return 1;
  double u = eps * eps / square;
  if (s.low == -INFINITY && s.high == INFINITY) return sqrt(u);
  if (clipped_square(team, s, first, 1.0) <= eps * eps) return 1;
  for (int iteration = 0; iteration < 60; ++iteration) {
    const double root = sqrt(u), inside = clipped_square(team, s, first, root);
    const double rate = team.sum_over(s.width, [&](int64_t i) {
      const double v = s.delta_out[first + i];
      const Room room(s, s.clean[first + i]);
      return root * v > room.low && root * v < room.high ? v * v : 0.0;
    });
    const double next = rate > 0 ? fmin(u + (eps * eps - inside) / rate, 1.0) : 1.0;
    const bool settled = fabs(next - u) <= 1e-12 * u;
    u = next;
    if (settled) break;
  }
  return sqrt(u);
}

// The scale for which the rounded entries lie in the ball: 2^-23 less first, which is two roundings
// of an entry and enough but for subnormal ones. At last 0, also for rows that are no numbers.
template <int size>
__device__ double rounded_scale(const Team<size>& team, const BallStep& s, int64_t first,
                                double eps, double scale) {
  double margin = 0x1p-23;
  for (int round = 0; round < 20; ++round, margin *= 4) {
    if (scale < 1 || round > 0) scale *= 1 - fmin(margin, 0.5);
    const double square = team.sum_over(s.width, [&](int64_t i) {
      const Room room(s, s.clean[first + i]);
      const auto d = static_cast<float>(room.clip(scale * s.delta_out[first + i]));
      return static_cast<double>(d) * d;
    });
    if (raised_root(square, 1, s.width) <= eps) return scale;
  }
  return 0;
}

// A group is read some ten times, all but the first from the cache: bound by memory without a box,
// by the sums of Newton's method with one.
template <int size>
__global__ void l2(BallStep s) {
  const Team<size> team;
  for (int64_t group = team.first; group < s.rows * s.groups; group += team.stride) {
    const double whole = s.eps[group / s.groups], eps = whole * kInside;
    const int64_t first = group * s.width;
    climb(team, s, first, whole);
    const double scale = rounded_scale(team, s, first, eps, projection_scale(team, s, first, eps));
    for (int64_t i = team.rank; i < s.width; i += size) {
      const double v = s.delta_out[first + i];
      const Room room(s, s.clean[first + i]);
      settle(s, first + i, scale > 0 ? static_cast<float>(room.clip(scale * v)) : 0.0f);
    }
  }
}

}  // namespace

const char* ball_step_linf(const BallStep& step, Stream stream) {
  if (step.rows <= 0 || step.groups <= 0 || step.width <= 0) return nullptr;
  return start_rows(linf<kWarp>, linf<kRowThreads>, step.rows * step.groups, step.width, stream,
                    step);
}

const char* ball_step_l2(const BallStep& step, Stream stream) {
  if (step.rows <= 0 || step.groups <= 0 || step.width <= 0) return nullptr;
  return start_rows(l2<kWarp>, l2<kRowThreads>, step.rows * step.groups, step.width, stream, step);
}

}  // namespace taut::kernels::cuda
