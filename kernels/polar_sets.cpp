#include "kernels/polar_sets.hpp"

#include <algorithm>
#include <cmath>

#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

struct Named {
  const char* name;
  PolarSet set;
  std::vector<Quintic> steps;
};

std::vector<Quintic> over_1024(std::vector<Quintic> steps) {
  for (Quintic& s : steps) s = {s.a / 1024, s.b / 1024, s.c / 1024};
  return steps;
}

// Polar express is optimal on [0, 1] and explodes beyond it, where rounding inside a step can lead:
// every step p(x) becomes p(x / safety).
std::vector<Quintic> with_safety(std::vector<Quintic> steps) {
  constexpr double s = 1.01;
  for (Quintic& q : steps) q = {q.a / s, q.b / (s * s * s), q.c / (s * s * s * s * s)};
  return steps;
}

// muon5: Jordan 2024. modula6: Bernstein 2024, modula. polar_express6: arXiv 2505.16932, table 1.
const std::vector<Named>& sets() {
  static const std::vector<Named> table = {
      {"muon5", PolarSet::muon5, std::vector<Quintic>(5, {3.4445, -4.7750, 2.0315})},
      {"modula6", PolarSet::modula6,
       over_1024({{3955, -8306, 5008},
                  {3735, -6681, 3463},
                  {3799, -6499, 3211},
                  {4019, -6385, 2906},
                  {2677, -3029, 1162},
                  {2172, -1833, 682}})},
      {"polar_express6", PolarSet::polar_express6,
       with_safety({{8.28721201814563, -23.595886519098837, 17.300387312530933},
                    {4.107059111542203, -2.9478499167379106, 0.5448431082926601},
                    {3.9486908534822946, -2.908902115962949, 0.5518191394370137},
                    {3.3184196573706015, -2.488488024314874, 0.51004894012372},
                    {2.300652019954817, -1.6689039845749493, 0.4188073119525673},
                    {1.891301407787398, -1.2679958271945868, 0.37680408948524835}})}};
  return table;
}

// max |p| on [0, limit]: at the end or where p' = a + 3 b x^2 + 5 c x^4 vanishes. |p| is even, so
// this is the range on [-limit, limit] too.
double largest_value(const Quintic& p, double limit) {
  const auto value = [&](double x) {
    const double s = x * x;
    return std::fabs(x * (p.a + s * (p.b + s * p.c)));
  };
  double most = value(limit);
  const double root = std::sqrt(std::max(0.0, 9 * p.b * p.b - 20 * p.a * p.c));
  for (const double sign : {-1.0, 1.0}) {
    const double square = (-3 * p.b + sign * root) / (10 * p.c);
    if (square > 0 && square < limit * limit) most = std::max(most, value(std::sqrt(square)));
  }
  return most;
}

}  // namespace

const std::vector<Quintic>& polar_steps(PolarSet set) {
  for (const Named& entry : sets()) {
    if (entry.set == set) return entry.steps;
  }
  fail("unknown coefficient set number {}", static_cast<int>(set));
}

PolarSet parse_polar_set(const std::string& name) {
  std::vector<std::string> known;
  for (const Named& entry : sets()) {
    if (name == entry.name) return entry.set;
    known.emplace_back(entry.name);
  }
  throw Error(unknown_name("polar set", name, known));
}

// The image of an interval under a continuous odd function is an interval around 0, so the largest
// output of the composition is found step by step, without a grid.
double worst_output(PolarSet set) {
  double most = 1;
  for (const Quintic& step : polar_steps(set)) most = largest_value(step, most);
  return most;
}

}  // namespace taut::kernels
