#pragma once

#include "attacks/subject.hpp"

namespace taut::attacks {

// Where to aim: rival classes (one_token: tokens, each with its nearest class) by the distance of
// the linearised margin, nearest first.
struct Aims {
  at::Tensor target;      // (rows, aims) int64
  at::Tensor token;       // (rows, aims) int64, one_token only
  at::Tensor distance;    // (rows) double, of the nearest; infinite where every gradient vanishes
  int64_t gradients = 0;  // gradient evaluations, summed over rows
};

// One gradient for each of at most nine rivals, the number of APGD-T [Croce & Hein 2020].
Aims take_aim(const Subject& subject, const Rows& rows);

}  // namespace taut::attacks
