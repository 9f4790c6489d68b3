#pragma once

#include <ATen/core/Tensor.h>

#include "models/threat.hpp"

// Geometry of a threat. Perturbations are (rows, ...) like the injected tensor; every row has its
// own ball. one_token is the l2 ball of the token that `movable` leaves.
namespace taut::attacks {

struct Ball {
  models::Threat threat;
  at::Tensor clean;    // (rows, ...), inside the box
  at::Tensor eps;      // (rows) double
  at::Tensor movable;  // (rows, tokens, 1): 1 may move, 0 must stay; undefined: everything may move
};

// The Euclidean projection on ball, box and movable entries, exact up to rounding.
at::Tensor project(const Ball& ball, const at::Tensor& delta);

// Uniform in the ball, then projected on the box. key: (rows) int64; uses the draws below
// draws_per_use().
at::Tensor random_point(const Ball& ball, const at::Tensor& key);
int64_t draws_per_use(const Ball& ball);

// The unit step from `delta` that gains most along `gradient` among those that the box leaves open:
// sign, g / ||g||, or token by token g_t / ||g_t||. Zero where the gradient is zero or not a
// number.
at::Tensor steepest(const Ball& ball, const at::Tensor& delta, const at::Tensor& gradient);

// clean + delta as fp32, rounded towards clean and into the box: its fp64 norm is at most eps.
at::Tensor settle(const Ball& ball, const at::Tensor& delta);

// (rows) double, not below the norm of the fp64 perturbation: the sum of n squares is off by less
// than n + 2 units of 2^-53, and the result is raised by n + 8. one_token: infinite when more than
// one token moves.
at::Tensor size_up(const models::Threat& threat, const at::Tensor& delta);

// The least perturbation of clean, inside the box, whose first-order gain reaches `margin`, (rows)
// double: margin / dual norm of the gradient where no box is in the way. (rows, 1) double, infinite
// where none does; one_token: (rows, tokens), one for each choice of the token.
at::Tensor linear_distance(const models::Threat& threat, const at::Tensor& clean,
                           const at::Tensor& gradient, const at::Tensor& margin);

// Like `like`'s rows, for broadcasting: (rows) to (rows, 1, ...).
at::Tensor per_row(const at::Tensor& value, const at::Tensor& like);

}  // namespace taut::attacks
