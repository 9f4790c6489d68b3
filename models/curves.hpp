#pragma once

#include <string>
#include <vector>

#include "models/network.hpp"

namespace taut::models {

const std::vector<std::string>& curve_names();  // in enumeration order
const char* curve_name(Curve curve);
// Error lists the known ones. PyTorch's and Hugging Face's names for these curves are known too.
Curve parse_curve(const std::string& name);

// An upper bound on the Lipschitz constant: sup |phi'|, and 1 for max_min, which sorts; infinity
// for relu_squared. All other curves keep |phi(x)| <= |x|.
double steepest_slope(Curve curve);

}  // namespace taut::models
