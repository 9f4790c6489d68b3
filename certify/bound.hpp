#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

// Numbers that are proved to lie on one side of a real quantity. They come only from exact values
// and from operations that round outward, so an estimate cannot become a bound by accident.
namespace taut::certify {

// An upper bound of a non-negative real. long double: global constants pass 10^308. Every operation
// is correctly rounded to nearest, so one step outward covers its error. NaN becomes infinity: what
// is not known is not bounded.
class Upper {
 public:
  Upper() = default;             // zero
  explicit Upper(double exact);  // |exact|, a stored number taken as it is
  static Upper infinity();
  static Upper square_root(double exact);  // of a number >= 0, for sqrt(width) and the like

  double value() const;  // as a double, rounded up
  double log10() const;  // rounded up; -inf for zero
  bool finite() const { return std::isfinite(value_); }

  friend Upper operator+(Upper a, Upper b) { return outward(a.value_ + b.value_); }
  friend Upper operator*(Upper a, Upper b);
  // Infinity unless exact > 0.
  friend Upper operator/(Upper a, double exact) {
    return exact > 0 ? outward(a.value_ / exact) : infinity();
  }
  friend bool operator<=(Upper a, Upper b) { return a.value_ <= b.value_; }
  friend bool operator<(Upper a, Upper b) { return a.value_ < b.value_; }
  friend Upper sqrt(Upper a) { return outward(std::sqrt(a.value_)); }
  friend Upper exp(Upper a);  // libm's error (a few ulp) is added
  friend Upper max(Upper a, Upper b) { return a.value_ < b.value_ ? b : a; }
  friend Upper min(Upper a, Upper b) { return a.value_ < b.value_ ? a : b; }
  friend double quotient_below(double exact, Upper by);

 private:
  static Upper outward(long double nearest);
  long double value_ = 0;
};

inline Upper square(Upper a) { return a * a; }

// A number <= exact / by for exact >= 0; infinity when by is zero and exact positive, 0 for 0 / 0.
double quotient_below(double exact, Upper by);

// gamma_k = k u / (1 - k u): the relative error of k rounded operations [Higham 2002, lemma 3.1].
// Infinity when k u >= 1.
Upper gamma(int64_t k, double unit);

inline double next_up(double x) {
  return std::nextafter(x, std::numeric_limits<double>::infinity());
}
inline double next_down(double x) {
  return std::nextafter(x, -std::numeric_limits<double>::infinity());
}

}  // namespace taut::certify
