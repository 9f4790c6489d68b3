#pragma once

#include <cfloat>
#include <cmath>

#include "kernels/cuda/row_team.hpp"

// What the steps of an attack share. Included by kernels only.
namespace taut::kernels::cuda {

// Balls are entered by this share: more than every rounding of a norm in double and of moved -
// clean.
constexpr double kInside = 1 - 1e-9;

__device__ inline float not_above(double x) {
  const auto nearest = static_cast<float>(x);
  return nearest > x ? nextafterf(nearest, -INFINITY) : nearest;
}

// What the box leaves an entry: the floats d with clean + d in the box, also as a float, since
// rounding keeps order and the box ends in floats.
struct Room {
  double low, high;
  __device__ Room(const BallStep& s, float clean)
      : low(-not_above(static_cast<double>(clean) - s.low)),
        high(not_above(static_cast<double>(s.high) - clean)) {}
  __device__ double clip(double d) const { return fmin(fmax(d, low), high); }
};

__device__ inline bool can_move(const BallStep& s, int64_t entry) {
  return s.movable == nullptr || s.movable[entry / s.span] != 0;
}

// The part of the gradient that can be followed: what the box takes back must not use up the length
// of the step.
__device__ inline float slope(const BallStep& s, int64_t entry) {
  float g = s.gradient[entry];
  if (g != g) g = 0;
  g = fminf(fmaxf(g, -FLT_MAX), FLT_MAX);
  const float at = s.clean[entry] + s.delta[entry];
  const bool shut = g > 0 ? at >= s.high : at <= s.low;
  return shut || !can_move(s, entry) ? 0.0f : g;
}

// clean + d as a float, rounded towards clean: no further away than d.
__device__ inline void settle(const BallStep& s, int64_t entry, float d) {
  const float clean = s.clean[entry];
  float moved = clean + d;
  if (fabs(static_cast<double>(moved) - clean) > fabs(static_cast<double>(d))) {
    moved = nextafterf(moved, clean);
  }
  s.delta_out[entry] = d;
  s.moved[entry] = moved;
}

}  // namespace taut::kernels::cuda
