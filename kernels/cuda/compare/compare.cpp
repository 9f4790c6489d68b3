#include "kernels/cuda/compare/compare.hpp"

#include "kernels/cuda/compare/arrays.hpp"

namespace taut::kernels::cuda {
namespace {

// Above 1 where an entry is not allowed; comparisons with NaN are false, hence the form.
double share(double difference, double allowed) {
  if (!(difference <= allowed)) return std::isnan(difference) ? HUGE_VAL : 1 + difference;
  return allowed > 0 ? difference / allowed : 0;
}

}  // namespace

Comparison judge(const std::string& kernel, const std::vector<double>& got,
                 const std::vector<double>& expected, const std::vector<double>& allowed) {
  Comparison worst{kernel, 0, allowed.empty() ? 0 : allowed.front()};
  for (size_t i = 0; i < got.size(); ++i) {
    const bool same = got[i] == expected[i] || (std::isnan(got[i]) && std::isnan(expected[i]));
    if (same) continue;
    const double difference = std::fabs(got[i] - expected[i]);
    if (share(difference, allowed[i]) > share(worst.difference, worst.allowed)) {
      worst = {kernel, difference, allowed[i]};
    }
  }
  return worst;
}

Comparison judge_limit(const std::string& kernel, const std::vector<double>& value,
                       const std::vector<double>& limit) {
  std::vector<double> over(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    over[i] = value[i] <= limit[i] ? 0 : value[i] - limit[i];
  }
  return judge(kernel, over, std::vector<double>(over.size()), std::vector<double>(over.size()));
}

std::vector<Comparison> compare_all(const Device& device, const Matrices& w) {
  std::vector<Comparison> all;
  for (const auto compare : {compare_products, compare_rows, compare_spectral, compare_steps}) {
    for (Comparison& c : compare(device, w)) all.push_back(std::move(c));
  }
  return all;
}

}  // namespace taut::kernels::cuda
