#pragma once

#include <vector>

#include "kernels/orthogonalize.hpp"

namespace taut::kernels {

// x <- a x + b x^3 + c x^5
struct Quintic {
  double a, b, c;
};

const std::vector<Quintic>& polar_steps(PolarSet set);

}  // namespace taut::kernels
