#include "attacks/check.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <map>
#include <utility>

#include "src/core/core.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;

using RowIndex = std::map<std::pair<int64_t, int64_t>, int64_t>;

RowIndex index_rows(const certify::Certificate& certificate) {
  RowIndex index;
  for (int64_t i = 0; i < certificate.example.size(0); ++i) {
    index[{certificate.example[i].item<int64_t>(), certificate.position[i].item<int64_t>()}] = i;
  }
  return index;
}

// A certificate without a box speaks about perturbations inside any box as well.
bool covers(const models::Threat& certified, const models::Threat& attacked) {
  return certified.norm == attacked.norm && certified.space == attacked.space &&
         (!certified.box || certified.box == attacked.box);
}

double certified_at(const Tensor& radius, int64_t row, int64_t example, int64_t position) {
  if (!radius.defined()) return 0;
  const auto value = radius[row].item<double>();
  require(!std::isnan(value), "the certified radius of example {}, position {} is not a number",
          example, position);
  return value;
}

void check_row(const AttackResult& result, int64_t i, const certify::Certificate& certificate,
               const certify::ThreatCertificate& threat, int64_t row, CheckedRows& checked) {
  const auto example = result.example[i].item<int64_t>();
  const auto position = result.position[i].item<int64_t>();
  const auto label = result.label[i].item<int64_t>();
  if (certificate.label.defined()) {
    const auto certified = certificate.label[row].item<int64_t>();
    require(certified == label,
            "expected the data of the certificate: example {}, position {} has label {} there and "
            "{} here",
            example, position, certified, label);
  }
  const double exact = certified_at(threat.radius, row, example, position);
  const double deployed = certified_at(threat.radius_deployed, row, example, position);
  const auto radius = result.radius[i].item<double>();
  // What is certified is a prediction: of another one the attack says nothing. A clean input that
  // is misread has radius 0, inside every promise.
  if (certificate.prediction.defined() && certificate.prediction[row].item<int64_t>() != label)
    return;
  if (std::isinf(radius)) return;
  ++checked.compared;
  // fp64 stands for the reals of `radius`; `radius_deployed` promises what fp32 does.
  const auto confirmed = result.radius_confirmed[i].item<double>();
  require(!std::isnan(radius) && !std::isnan(confirmed),
          "the attack radius of example {}, position {} is not a number", example, position);
  const double certified = std::max(exact, deployed);
  if (confirmed < certified) {
    checked.contradictions.push_back({example, position, confirmed, certified});
  } else if (radius < deployed) {
    checked.contradictions.push_back({example, position, radius, deployed});
  }
}

}  // namespace

CheckedRows check(const AttackResult& result, const certify::Certificate& certificate) {
  CheckedRows checked;
  const RowIndex index = index_rows(certificate);
  for (const certify::ThreatCertificate& threat : certificate.threats) {
    if (!covers(threat.threat, result.threat)) continue;
    for (int64_t i = 0; i < result.example.size(0); ++i) {
      const auto found =
          index.find({result.example[i].item<int64_t>(), result.position[i].item<int64_t>()});
      if (found != index.end()) check_row(result, i, certificate, threat, found->second, checked);
    }
  }
  return checked;
}

}  // namespace taut::attacks
