#pragma once

#include "certify/effect.hpp"

namespace taut::certify {

// The arithmetic in which a network runs: IEEE binary32 or binary64, round to nearest.
struct Precision {
  double unit;      // unit roundoff
  double smallest;  // smallest normal number: bounds what one operation loses to underflow, also
                    // where subnormal results are flushed to zero (not where inputs are)
  double largest;   // above this the squares inside norms may overflow: nothing is promised
};
inline constexpr Precision kFloat32{0x1p-24, 0x1p-126, 0x1p60};
inline constexpr Precision kFloat64{0x1p-53, 0x1p-1022, 0x1p500};

// Whether rounding a stored scalar to the precision keeps it to a relative error of one unit: it is
// 0, or neither underflows nor comes near overflow.
bool holds(double scalar, Precision p);

// How far the computed output of a layer can lie from the real one, per token (l2), for the same
// input of norm at most `size`; forward.cpp computed in `precision`. Inner products may be summed
// in any order, with or without fused multiply-add [Higham 2002, section 3.1]; exp and erf are
// taken to err by at most 4 ulp. First-order constants are rounded up generously: they cost nothing
// that matters.
Upper rounding(const models::Position& l, const Norms& norms, Shape shape, Upper size, Precision p);
Upper rounding(const models::Linear& l, const Norms& norms, Shape shape, Upper size, Precision p);
Upper rounding(const models::Activation& l, const Norms& norms, Shape shape, Upper size,
               Precision p);
Upper rounding(const models::BallClamp& l, const Norms& norms, Shape shape, Upper size,
               Precision p);
Upper rounding(const models::Normalize& l, const Norms& norms, Shape shape, Upper size,
               Precision p);
Upper rounding(const models::Attention& l, const Norms& norms, Shape shape, Upper size,
               Precision p);
Upper rounding(const models::Pool& l, const Norms& norms, Shape shape, Upper size, Precision p);
Upper rounding(const models::Prepend& l, const Norms& norms, Shape shape, Upper size, Precision p);
Upper rounding(const models::Select& l, const Norms& norms, Shape shape, Upper size, Precision p);
Upper rounding(const models::TokenShift& l, const Norms& norms, Shape shape, Upper size,
               Precision p);
// Layer norm with a known least sqrt(mean(c^2) + eps) in place of sqrt(eps).
Upper rounding(const models::Normalize& l, const Norms& norms, Shape shape, Upper size,
               double least, Precision p);

}  // namespace taut::certify
