#include "src/train/constant_estimate.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <numbers>

#include "certify/certify.hpp"
#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "src/train/constraint.hpp"

namespace taut::train {
namespace {

constexpr double kStep = 1e-3;  // of a norm, for the difference quotient
constexpr int kGramSteps = 3;   // Schatten-32: above sigma by rank^(1/32) at most
constexpr char kLog[] = "constant.log", kPower[] = "constant.power.", kNorm[] = "constant.norm.";

// Log of the norm of a weight; of several heads, the mean of their logs.
at::Tensor log_norm(const at::Tensor& weight) {
  return kernels::gram_bound(weight, kGramSteps).log().mean();
}

double natural(double log10) { return log10 * std::numbers::ln10; }

}  // namespace

ConstantEstimate estimate_constant(const models::Network& trained, const models::Threat& threat) {
  const at::NoGradGuard no_grad;
  const models::Network network = models::moved(trained, at::kCPU);
  certify::Norms norms(network);
  ConstantEstimate estimate;
  estimate.log_constant = natural(certify::log10_constant(network, norms, threat));
  require(std::isfinite(estimate.log_constant),
          "the network has no finite constant for {}, which loss.certified_eps needs",
          models::describe(threat));
  models::for_each_tensor(network, [&](const std::string& path, const at::Tensor& tensor,
                                       models::Role role) {
    if (!is_matrix(role)) return;
    const certify::Norms larger = norms.scaled(tensor, 1 + kStep);
    const double change =
        natural(certify::log10_constant(network, larger, threat)) - estimate.log_constant;
    if (change > 0) {
      estimate.terms.push_back({path, change / std::log1p(kStep), log_norm(tensor).item<double>()});
    }
  });
  return estimate;
}

at::Tensor estimated_constant(const ConstantEstimate& estimate, const models::Network& network) {
  at::Tensor log = at::full({}, estimate.log_constant, at::kDouble);
  size_t next = 0;
  models::for_each_tensor(
      network, [&](const std::string& path, const at::Tensor& tensor, models::Role) {
        if (next == estimate.terms.size() || path != estimate.terms[next].path) return;
        const ConstantEstimate::Term& term = estimate.terms[next++];
        log = log + term.power * (log_norm(tensor).to(at::kDouble) - term.log_norm);
      });
  return log.exp();
}

void save_estimate(const ConstantEstimate& estimate, std::map<std::string, double>& numbers) {
  if (estimate.terms.empty()) return;
  numbers[kLog] = estimate.log_constant;
  for (size_t i = 0; i < estimate.terms.size(); ++i) {
    const ConstantEstimate::Term& term = estimate.terms[i];
    // Numbered, since a map forgets the order of the layers.
    const std::string name = fmt::format("{:06}.{}", i, term.path);
    numbers[kPower + name] = term.power;
    numbers[kNorm + name] = term.log_norm;
  }
}

ConstantEstimate load_estimate(const std::map<std::string, double>& numbers) {
  ConstantEstimate estimate;
  const auto log = numbers.find(kLog);
  if (log == numbers.end()) return estimate;
  estimate.log_constant = log->second;
  for (auto at = numbers.lower_bound(kPower); at != numbers.end() && at->first.starts_with(kPower);
       ++at) {
    const std::string name = at->first.substr(sizeof(kPower) - 1);
    const auto norm = numbers.find(kNorm + name);
    require(norm != numbers.end() && name.size() > 7, "the checkpoint has no number '{}{}'", kNorm,
            name);
    estimate.terms.push_back({name.substr(7), at->second, norm->second});
  }
  return estimate;
}

}  // namespace taut::train
