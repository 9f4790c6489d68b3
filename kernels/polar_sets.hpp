#pragma once

#include <vector>

#include "kernels/orthogonalize.hpp"

namespace taut::kernels {

// x <- a x + b x^3 + c x^5
struct Quintic {
  double a, b, c;
};

// Error when the set does not have as many steps.
std::vector<Quintic> polar_steps(Polar polar);

}  // namespace taut::kernels
