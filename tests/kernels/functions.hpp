#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/rounding_bounds.hpp"

// The functions of kernels/ in one table: how to run each on an input, what its reference says, and
// how far rounding may take it from that. Everything is in units of the input's scale, an exact
// power of two.
namespace taut::test {

using kernels::Polar;
using kernels::PolarForm;
using kernels::PolarSet;
namespace reference = kernels::reference;

inline constexpr double kLimit = 0.625, kShare = 0.3, kDecay = 0.25;  // of singular values up to 1

inline at::Tensor times_power(const at::Tensor& x, int exponent) {
  const int half = exponent / 2;
  return x.to(at::kDouble) * std::ldexp(1.0, half) * std::ldexp(1.0, exponent - half);
}

struct Input {
  std::string name;
  at::Tensor x;     // as stored, singular values up to about 2^exponent
  at::Tensor unit;  // x over 2^exponent, exactly
  int exponent = 0;
  std::vector<double> s;  // of unit
  Arithmetic r{};
  double stored_unit = 0;

  double scaled(double value) const { return std::ldexp(value, exponent); }
  // Certified division of a result whose size is `size`.
  double divided(double size, double error) const {
    return division_error(stored_unit, r.m, kLimit, size, error);
  }
};

inline std::vector<double> over_schatten4(const Input& in) {
  double sum = 0;
  for (const double x : in.s) sum += std::pow(x, 4);
  std::vector<double> s = in.s;
  for (double& x : s) x /= sum > 0 ? std::pow(sum, 0.25) : 1;
  return s;
}

struct Function {
  const char* name;
  std::function<at::Tensor(const Input&)> run, expected;
  std::function<double(const Input&)> allowed;
  int unit = 0;            // 1: the result scales with the input
  bool needs_gap = false;  // below the largest singular value
  double notices = 1e-5;   // errors in double beyond this share
};

inline Function polar(const char* name, Polar set, PolarForm form) {
  return {name,
          [=](const Input& in) { return kernels::orthogonalize(in.x, set, form); },
          [=](const Input& in) { return reference::orthogonalize(in.unit, set); },
          [=](const Input& in) {
            const auto steps = kernels::polar_steps(set);
            return form == PolarForm::plain ? plain_error(in.r, steps, over_schatten4(in))
                                            : gram_error(in.r, steps, over_schatten4(in));
          },
          0,
          false,
          form == PolarForm::plain ? 1e-5 : 2e-2};
}

inline kernels::TopPair top_of(const at::Tensor& x) {
  at::Tensor start;
  return kernels::top_singular(x, start, 30);
}

inline double capped_size(const Input& in) {
  double sum = 0;
  for (const double x : in.s) sum += std::pow(std::min(x, kLimit), 2);
  return std::sqrt(sum);
}

inline std::vector<Function> polar_functions() {
  return {
      polar("muon5 plain", PolarSet::muon5, PolarForm::plain),
      polar("muon5 gram", PolarSet::muon5, PolarForm::gram),
      polar("modula6 plain", PolarSet::modula6, PolarForm::plain),
      polar("modula6 gram", PolarSet::modula6, PolarForm::gram),
      polar("polar_express plain", PolarSet::polar_express, PolarForm::plain),
      polar("polar_express gram", PolarSet::polar_express, PolarForm::gram),
      {"stiefel", [](const Input& in) { return kernels::stiefel(in.x, kLimit); },
       [](const Input& in) {
         return kLimit * reference::orthogonalize(in.unit, {PolarSet::polar_express, 7});
       },
       [](const Input& in) {
         const auto steps = kernels::polar_steps({PolarSet::polar_express, 7});
         const auto s = over_schatten4(in);
         const double error = std::max(plain_error(in.r, steps, s), gram_error(in.r, steps, s));
         return in.divided(kLimit * std::sqrt(in.r.m), kLimit * error + 2e-8);  // worst output
       },
       0, false, 0.1},
  };
}

inline std::vector<Function> cap_functions() {
  return {
      {"soft_cap",
       [](const Input& in) {
         return kernels::soft_cap(in.x, std::ldexp(kShare, -2 * in.exponent));
       },
       [](const Input& in) { return reference::soft_cap(in.unit, kShare); },
       [](const Input& in) { return soft_cap_error(in.r, kShare, in.s); }, 1},
      {"hard_cap", [](const Input& in) { return kernels::hard_cap(in.x, in.scaled(kLimit)); },
       [](const Input& in) { return reference::hard_cap(in.unit, kLimit); },
       [](const Input& in) {
         const double error = exact_cap_error({0x1p-53, in.r.m, in.r.n}, kLimit, in.s);
         return in.divided(capped_size(in), error + in.r.u * frobenius(in.s));
       },
       1},
      {"spectral_normalize",
       [](const Input& in) { return kernels::spectral_normalize(in.x, in.scaled(kLimit)); },
       [](const Input& in) { return reference::spectral_normalize(in.unit, kLimit); },
       [](const Input& in) { return in.divided(frobenius(in.s), 0); }, 1},
      {"row_rms_cap",
       [](const Input& in) { return kernels::row_rms_cap(in.x, in.scaled(kLimit / 8)); },
       [](const Input& in) { return reference::row_rms_cap(in.unit, kLimit / 8); },
       [](const Input& in) {  // two margins, and the sum in double
         const double share = 12 * in.stored_unit + gamma(in.r.n + 10, 0x1p-53);
         return share * frobenius(in.s);
       },
       1},
  };
}

inline std::vector<Function> pair_functions() {
  return {
      {"top_singular", [](const Input& in) { return top_of(in.x).value; },
       [](const Input& in) { return reference::top_value(in.unit).reshape({1}); },
       [](const Input& in) { return gamma(in.r.n + in.r.m + 8, in.r.u) * frobenius(in.s); }, 1,
       true},
      {"spectral_hammer",
       [](const Input& in) {
         return kernels::spectral_hammer(in.x, top_of(in.x), in.scaled(kLimit));
       },
       [](const Input& in) { return reference::spectral_hammer(in.unit, kLimit); },
       [](const Input& in) {
         const double pair = in.s[0] > 0 ? pair_error(in.r, in.s) : 0;
         const double error = (2 * pair + 8 * in.r.u) * (most(in.s) + frobenius(in.s));
         return in.divided(frobenius(in.s), error);
       },
       1, true},
      {"spectral_weight_decay",
       [](const Input& in) { return kernels::spectral_weight_decay(in.x, top_of(in.x), kDecay); },
       [](const Input& in) { return reference::spectral_weight_decay(in.unit, kDecay); },
       [](const Input& in) {
         const double pair = in.s[0] > 0 ? pair_error(in.r, in.s) : 0;
         return (2 * pair + 8 * in.r.u) * (most(in.s) + frobenius(in.s));
       },
       1, true},
  };
}

struct Dtype {
  at::ScalarType stored;
  double products, unit;
  std::vector<int> exponents;  // of scale: ordinary, huge, tiny, subnormal
};
inline const std::vector<Dtype> kDtypes{{at::kDouble, 0x1p-53, 0x1p-53, {0, 400, -400, -1060}},
                                        {at::kFloat, 0x1p-24, 0x1p-24, {0, 60, -60, -140}},
                                        {at::kBFloat16, 0x1p-24, 0x1p-8, {0, 60, -60, -130}}};

inline Input input(const std::string& name, const at::Tensor& unit, const Dtype& dtype,
                   int exponent) {
  Input in{name, times_power(unit, exponent).to(dtype.stored), {}, exponent, {}, {}, dtype.unit};
  in.unit = times_power(in.x, -exponent);
  const at::Tensor s = at::linalg_svdvals(in.unit);
  in.s.assign(s.const_data_ptr<double>(), s.const_data_ptr<double>() + s.numel());
  const auto rows = static_cast<double>(unit.size(0)), cols = static_cast<double>(unit.size(1));
  in.r = {dtype.products, std::min(rows, cols), std::max(rows, cols)};
  in.name += fmt::format(", {}, 2^{}", toString(dtype.stored), exponent);
  return in;
}

inline std::vector<Function> all_functions() {
  std::vector<Function> all = polar_functions();
  for (const auto& more : {cap_functions(), pair_functions()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace taut::test
