#include "src/report/rows.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "src/core/core.hpp"

namespace taut::report {
namespace {

template <class T>
std::vector<T> values(const at::Tensor& tensor, int64_t rows, const char* what,
                      const std::string& run) {
  require(tensor.defined() && tensor.dim() == 1 && tensor.size(0) == rows,
          "run '{}': expected {} rows of {}, got {}", run, rows, what,
          tensor.defined() ? shape_text(tensor.sizes()) : "nothing");
  const at::Tensor flat = tensor.to(at::kCPU, c10::CppTypeToScalarType<T>::value).contiguous();
  return std::vector<T>(flat.data_ptr<T>(), flat.data_ptr<T>() + rows);
}

// The rows of a certificate or an attack, without radii.
template <class Result>
std::vector<std::pair<Key, Seen>> plain_rows(const Result& result, const std::string& run) {
  const int64_t count = result.label.defined() ? result.label.numel() : 0;
  const auto example = values<int64_t>(result.example, count, "examples", run);
  const auto position = values<int64_t>(result.position, count, "positions", run);
  const auto label = values<int64_t>(result.label, count, "labels", run);
  const auto prediction = values<int64_t>(result.prediction, count, "predictions", run);
  std::vector<std::pair<Key, Seen>> rows;
  for (int64_t i = 0; i < count; ++i) {
    rows.push_back({{example[i], position[i]}, {label[i], label[i] == prediction[i], 0, 0, 0}});
  }
  return rows;
}

}  // namespace

Rows certified_rows(const RunReport& run, const certify::ThreatCertificate* threat) {
  auto rows = plain_rows(*run.certificate, run.name);
  if (threat != nullptr) {
    const auto count = static_cast<int64_t>(rows.size());
    const auto radius = values<double>(threat->radius, count, "certified radii", run.name);
    const auto deployed =
        values<double>(threat->radius_deployed, count, "deployed radii", run.name);
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].second.radius = radius[i];
      rows[i].second.deployed = deployed[i];
    }
  }
  Rows out(rows.begin(), rows.end());
  require(out.size() == rows.size(), "run '{}': its certificate holds {} rows more than once",
          run.name, rows.size() - out.size());
  return out;
}

double known(double radius) { return radius > 0 ? radius : 0; }

void merge_attack(Rows& into, const attacks::AttackResult& attack, const std::string& run) {
  auto rows = plain_rows(attack, run);
  const auto count = static_cast<int64_t>(rows.size());
  const auto radius = values<double>(attack.radius, count, "attack radii", run);
  const auto confirmed = values<double>(attack.radius_confirmed, count, "confirmed radii", run);
  for (size_t i = 0; i < rows.size(); ++i) {
    Seen seen = rows[i].second;
    seen.radius = known(radius[i]);
    seen.confirmed = known(confirmed[i]);
    const auto [at, fresh] = into.insert({rows[i].first, seen});
    if (fresh) continue;
    at->second.right = at->second.right && seen.right;
    at->second.radius = std::min(at->second.radius, seen.radius);
    at->second.confirmed = std::min(at->second.confirmed, seen.confirmed);
  }
}

Radii radii_of(const Rows& rows, double Seen::*field) {
  Radii radii;
  radii.rows = static_cast<int64_t>(rows.size());
  for (const auto& [key, seen] : rows) {
    if (seen.right) radii.correct.push_back(known(seen.*field));
  }
  std::sort(radii.correct.begin(), radii.correct.end());
  return radii;
}

bool same_rows(const Rows& a, const Rows& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.label == y.second.label;
  });
}

}  // namespace taut::report
