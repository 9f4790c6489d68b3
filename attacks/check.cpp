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

// Whether a perturbation is never longer in norm `a` than in norm `b`, space by space.
bool bounded_by(models::Norm a, models::Norm b) {
  using models::Norm;
  if (a == b) return true;
  switch (a) {
    case Norm::linf:  // entries
      return b == Norm::l2;
    case Norm::every_token:  // tokens of one sequence
      return b == Norm::l2 || b == Norm::one_token;
    case Norm::l2:
      return b == Norm::one_token;
    case Norm::one_token:  // asks for more than a length
      return false;
  }
  return false;
}

// A certificate without a box speaks about perturbations inside any box as well.
bool covers(const models::Threat& certified, const models::Threat& attacked) {
  return certified.space == attacked.space && bounded_by(certified.norm, attacked.norm) &&
         (!certified.box || certified.box == attacked.box);
}

// The largest radii that cover one attack on a row: of real arithmetic, of the fp32 program.
struct Promised {
  double exact = 0, deployed = 0;
};

void raise(double& most, const Tensor& radius, int64_t row) {
  if (!radius.defined()) return;
  const auto value = radius[row].item<double>();
  require(!std::isnan(value), "the certified radius of row {} is not a number", row);
  most = std::max(most, value);
}

using Covering = std::vector<const certify::ThreatCertificate*>;

Promised promised(const Covering& covering, int64_t row) {
  Promised most;
  for (const certify::ThreatCertificate* threat : covering) {
    raise(most.exact, threat->radius, row);
    raise(most.deployed, threat->radius_deployed, row);
  }
  return most;
}

void check_row(const AttackResult& result, int64_t i, const certify::Certificate& certificate,
               const Covering& covering, int64_t row, CheckedRows& checked) {
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
  const Promised promise = promised(covering, row);
  // What is certified is a prediction: of another one the attack says nothing. A clean input that
  // is misread has radius 0, inside every promise.
  if (certificate.prediction.defined() && certificate.prediction[row].item<int64_t>() != label)
    return;
  const auto radius = result.radius[i].item<double>();
  if (std::isinf(radius)) return;
  ++checked.compared;
  // fp64 stands for the reals of `radius`; `radius_deployed` promises what fp32 does.
  const auto confirmed = result.radius_confirmed[i].item<double>();
  require(!std::isnan(radius) && !std::isnan(confirmed),
          "the attack radius of example {}, position {} is not a number", example, position);
  const double certified = std::max(promise.exact, promise.deployed);
  if (confirmed < certified) {
    checked.contradictions.push_back({example, position, confirmed, certified});
  } else if (radius < promise.deployed) {
    checked.contradictions.push_back({example, position, radius, promise.deployed});
  }
}

}  // namespace

CheckedRows check(const AttackResult& result, const certify::Certificate& certificate) {
  CheckedRows checked;
  Covering covering;
  for (const certify::ThreatCertificate& threat : certificate.threats) {
    if (covers(threat.threat, result.threat)) covering.push_back(&threat);
  }
  if (covering.empty()) return checked;
  const RowIndex index = index_rows(certificate);
  for (int64_t i = 0; i < result.example.size(0); ++i) {
    const auto found =
        index.find({result.example[i].item<int64_t>(), result.position[i].item<int64_t>()});
    if (found != index.end()) check_row(result, i, certificate, covering, found->second, checked);
  }
  return checked;
}

}  // namespace taut::attacks
