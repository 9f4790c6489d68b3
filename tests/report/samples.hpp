#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "src/report/report.hpp"

// Small runs whose figures can be counted by hand.
namespace taut::report::test {

inline const models::Threat kPixels{models::Space::pixels, models::Norm::l2, models::Box{0, 1}};
inline const models::Threat kEntries{models::Space::pixels, models::Norm::linf, models::Box{0, 1}};
inline const models::Threat kTokens{models::Space::embedding, models::Norm::every_token, {}};
inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Pixel l2 sizes, nothing relative.
inline ReportOptions sized(const std::vector<double>& eps) { return {{{"l2", eps}}, {}}; }

// Labels are all 1; a wrong prediction is 0.
inline at::Tensor predictions(const std::vector<bool>& right) {
  std::vector<int64_t> out;
  for (const bool r : right) out.push_back(r ? 1 : 0);
  return at::tensor(out, at::kLong);
}

inline void set_certificate(RunReport& run, const models::Threat& threat,
                            const std::vector<bool>& right, const std::vector<double>& radius,
                            double constant = 2) {
  const auto rows = static_cast<int64_t>(right.size());
  if (!run.certificate) run.certificate.emplace();
  certify::Certificate& c = *run.certificate;
  c.example = at::arange(rows, at::kLong);
  c.position = at::zeros({rows}, at::kLong);
  c.label = at::ones({rows}, at::kLong);
  c.prediction = predictions(right);
  const at::Tensor radii = at::tensor(radius, at::kDouble);
  c.threats.push_back({threat, constant, std::log10(constant), 2 * constant, radii, radii / 2});
}

inline void add_attack(RunReport& run, const models::Threat& threat, const std::vector<bool>& right,
                       const std::vector<double>& radius, const std::vector<double>& eps = {}) {
  const auto rows = static_cast<int64_t>(right.size());
  attacks::AttackResult a;
  a.threat = threat;
  a.eps = eps;
  a.example = at::arange(rows, at::kLong);
  a.position = at::zeros({rows}, at::kLong);
  a.label = at::ones({rows}, at::kLong);
  a.prediction = predictions(right);
  a.radius = at::tensor(radius, at::kDouble);
  a.radius_confirmed = a.radius.clone();
  run.attacks.push_back(a);
}

// The first run's cell in the row `label`.
inline std::string cell(const Table& table, const std::string& label) {
  for (const auto& row : table.rows) {
    if (row.front() == label) return row.at(1);
  }
  return "no row " + label;
}

// A find of fp32 and fp64 alike.
inline void set_attack_radius(RunReport& run, int64_t row, double radius) {
  run.attacks[0].radius[row] = radius;
  run.attacks[0].radius_confirmed[row] = radius;
}

// Five rows: the last is misclassified, the fourth never broken.
inline RunReport sample(const std::string& name, const models::Threat& threat = kPixels) {
  RunReport run;
  run.name = name;
  run.parameters = 12345;
  run.train_seconds = 61.5;
  run.ms_per_step = 4.25;
  run.layers = {{"blocks.0.query", 1.25, 0.5}, {"head", 3.5, 0.75}};
  run.frobenius = {{"blocks.0.query.weight", {1, 1.22}}};
  run.facts = {{"git_revision", "abc123"}, {"seed", name}};
  const std::vector<bool> right{true, true, true, true, false};
  set_certificate(run, threat, right, {0.5, 0.25, 0, 1, 7});
  add_attack(run, threat, right, {0.625, 0.5, 0.125, kInf, 0}, {0.25, 0.5});
  run.certificate->weights = {{"blocks.0.query.weight", 0, 0.4999, 0.5},
                              {"blocks.0.query.weight", 1, 0.6, 0.61},
                              {"head.weight", 0, 1.23456789, 1.23456789}};
  run.caps = {{"blocks.0.query.weight", 0.5}};
  return run;
}

}  // namespace taut::report::test
