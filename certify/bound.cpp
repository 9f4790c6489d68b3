#include "certify/bound.hpp"

#include <algorithm>

namespace taut::certify {
namespace {

constexpr long double kInfinity = std::numeric_limits<long double>::infinity();

// glibc states at most 1 ulp for the long double exp and log10; four are added.
constexpr long double kLibm = 4 * std::numeric_limits<long double>::epsilon();

}  // namespace

Upper Upper::outward(long double nearest) {
  Upper bound;
  bound.value_ = std::isnan(nearest) ? kInfinity : nearest;
  // A sum or product of zeros is exact; everything else may have been rounded down.
  if (bound.value_ != 0) bound.value_ = std::nextafter(bound.value_, kInfinity);
  return bound;
}

// A product that underflows to zero is stepped up: only a zero factor makes a zero.
Upper operator*(Upper a, Upper b) {
  const long double nearest = a.value_ * b.value_;
  if (nearest == 0 && a.value_ != 0 && b.value_ != 0) {
    return Upper::outward(std::numeric_limits<long double>::denorm_min());
  }
  return Upper::outward(nearest);
}

Upper::Upper(double exact) : value_(std::isnan(exact) ? kInfinity : std::abs(exact)) {}

Upper Upper::infinity() {
  Upper bound;
  bound.value_ = kInfinity;
  return bound;
}

Upper Upper::square_root(double exact) { return sqrt(Upper(exact)); }

double Upper::value() const {
  const auto nearest = static_cast<double>(value_);
  return static_cast<long double>(nearest) < value_ ? next_up(nearest) : nearest;
}

double Upper::log10() const {
  if (value_ == 0) return -std::numeric_limits<double>::infinity();
  const long double nearest = std::log10(value_);
  return next_up(static_cast<double>(nearest + std::abs(nearest) * kLibm));
}

Upper exp(Upper a) { return Upper::outward(std::exp(a.value_) * (1 + kLibm)); }

double quotient_below(double exact, Upper by) {
  if (!(exact > 0)) return 0;
  if (by.value_ == 0) return std::numeric_limits<double>::infinity();
  const double nearest = static_cast<double>(static_cast<long double>(exact) / by.value_);
  // Two roundings to nearest, each off by less than one step of a double.
  return std::max(0.0, next_down(next_down(nearest)));
}

Upper gamma(int64_t k, double unit) {
  const double ku = static_cast<double>(k) * unit;  // exact: unit is a power of two, k < 2^53
  return ku < 1 ? Upper(ku) / next_down(1 - ku) : Upper::infinity();
}

}  // namespace taut::certify
