#pragma once

#include "models/network.hpp"

// Networks as an fp8 machine would hold them: e4m3, three bits of mantissa, largest number 448.
// [Micikevicius et al. 2022, arXiv 2209.05433]
namespace taut::models {

// Every entry scaled by 448 / range, rounded to the nearest e4m3 number and scaled back: what lies
// in [-range, range] errs by at most max(|x| / 16, 2^-10 range / 448); the rest is cut off. A range
// of 0 gives zeros. Error unless 0 <= range < infinity.
Tensor as_e4m3(const Tensor& x, double range);

// Matrices and tables rounded, each by its own largest entry; vectors stay as they are.
Network with_e4m3_weights(const Network& network);

}  // namespace taut::models
