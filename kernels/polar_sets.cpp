#include "kernels/polar_sets.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

constexpr int kMostSteps = 40;

struct Named {
  const char* name;
  PolarSet set;
  int usual;                   // steps
  std::vector<Quintic> steps;  // the sequence
  std::optional<Quintic> end;  // repeated behind it
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

// muon5: Jordan 2024. modula6: Bernstein 2024, modula. polar_express: arXiv 2505.16932, table 1;
// its last step, the Taylor polynomial of the sign at 1, is stable without safety.
const std::vector<Named>& sets() {
  static const std::vector<Named> table = {
      {"muon5", PolarSet::muon5, 5, {}, Quintic{3.4445, -4.7750, 2.0315}},
      {"modula6", PolarSet::modula6, 6,
       over_1024({{3955, -8306, 5008},
                  {3735, -6681, 3463},
                  {3799, -6499, 3211},
                  {4019, -6385, 2906},
                  {2677, -3029, 1162},
                  {2172, -1833, 682}}),
       std::nullopt},
      {"polar_express", PolarSet::polar_express, 6,
       with_safety({{8.28721201814563, -23.595886519098837, 17.300387312530933},
                    {4.107059111542203, -2.9478499167379106, 0.5448431082926601},
                    {3.9486908534822946, -2.908902115962949, 0.5518191394370137},
                    {3.3184196573706015, -2.488488024314874, 0.51004894012372},
                    {2.300652019954817, -1.6689039845749493, 0.4188073119525673},
                    {1.891301407787398, -1.2679958271945868, 0.37680408948524835}}),
       Quintic{1.875, -1.25, 0.375}}};
  return table;
}

const Named& entry_of(PolarSet set) {
  for (const Named& entry : sets()) {
    if (entry.set == set) return entry;
  }
  fail("unknown coefficient set number {}", static_cast<int>(set));
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

std::vector<Quintic> polar_steps(Polar polar) {
  const Named& entry = entry_of(polar.set);
  require(polar.steps >= 0 && polar.steps <= kMostSteps, "expected up to {} polar steps, got {}",
          kMostSteps, polar.steps);
  const size_t count = polar.steps == 0 ? entry.usual : polar.steps;
  require(entry.end || count == entry.steps.size(),
          "expected the {} steps of {}, which is one sequence, got {}", entry.steps.size(),
          entry.name, count);
  std::vector<Quintic> steps = entry.steps;
  while (steps.size() < count) steps.push_back(*entry.end);
  steps.resize(count);
  return steps;
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
double worst_output(Polar polar) {
  double most = 1;
  for (const Quintic& step : polar_steps(polar)) most = largest_value(step, most);
  return most;
}

}  // namespace taut::kernels
