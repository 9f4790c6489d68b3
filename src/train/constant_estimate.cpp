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
constexpr char kLog[] = "constant.log", kSettling[] = "constant.settling",
               kPower[] = "constant.power.", kNorm[] = "constant.norm.", kForm[] = "constant.form.";

// The weights that K depends on, in the order of the terms.
template <class Estimate, class Visit>
void for_each_term(Estimate& estimate, const models::Network& network, const Visit& visit) {
  size_t next = 0;
  models::for_each_tensor(network,
                          [&](const std::string& path, const at::Tensor& tensor, models::Role) {
                            if (next == estimate.terms.size() || path != estimate.terms[next].path)
                              return;
                            visit(estimate.terms[next++], tensor);
                          });
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
  models::for_each_tensor(
      network, [&](const std::string& path, const at::Tensor& tensor, models::Role role) {
        if (!is_matrix(role)) return;
        if (role != models::Role::head && !tensor.any().item<bool>()) estimate.settling = true;
        const certify::Norms larger = norms.scaled(tensor, 1 + kStep);
        const double change =
            natural(certify::log10_constant(network, larger, threat)) - estimate.log_constant;
        if (change > 0) {
          // Of several heads, the mean of their logs.
          const double norm = kernels::gram_bound(tensor, kGramSteps).log().mean().item<double>();
          estimate.terms.push_back({path, change / std::log1p(kStep), norm, {}});
        }
      });
  return estimate;
}

void check_margin(const ConstantEstimate& estimate, const at::Tensor& distances, double eps) {
  const double ahead =
      std::log(eps) + estimate.log_constant + std::log(distances.detach().max().item<double>());
  require(ahead <= 24 * std::numbers::ln2,
          "loss.certified_eps: the constant of this network, 10^{:.1f}, is too large to train "
          "against",
          estimate.log_constant / std::numbers::ln10);
}

void take_forms(ConstantEstimate& estimate, const models::Network& network) {
  for_each_term(estimate, network, [](ConstantEstimate::Term& term, const at::Tensor& weight) {
    term.form = kernels::gram_form(weight, kGramSteps);
  });
}

at::Tensor estimated_constant(const ConstantEstimate& estimate, const models::Network& network) {
  at::Tensor log = at::full({}, estimate.log_constant, at::kDouble);
  for_each_term(estimate, network, [&](const ConstantEstimate::Term& term, const at::Tensor& w) {
    require(term.form.defined(), "expected the form of {}", term.path);
    const at::Tensor now = kernels::form_norm(w, term.form).log().mean().to(at::kDouble);
    log = log + term.power * (now - term.log_norm);
  });
  return log.exp();
}

void save_estimate(const ConstantEstimate& estimate, std::map<std::string, double>& numbers,
                   std::map<std::string, at::Tensor>& tensors) {
  if (estimate.terms.empty()) return;
  numbers[kLog] = estimate.log_constant;
  if (estimate.settling) numbers[kSettling] = 1;
  for (size_t i = 0; i < estimate.terms.size(); ++i) {
    const ConstantEstimate::Term& term = estimate.terms[i];
    // Numbered, since a map forgets the order of the layers.
    const std::string name = fmt::format("{:06}.{}", i, term.path);
    numbers[kPower + name] = term.power;
    numbers[kNorm + name] = term.log_norm;
    if (term.form.defined()) tensors[kForm + name] = term.form.to(at::kCPU);
  }
}

ConstantEstimate load_estimate(const std::map<std::string, double>& numbers,
                               const std::map<std::string, at::Tensor>& tensors,
                               at::Device device) {
  ConstantEstimate estimate;
  const auto log = numbers.find(kLog);
  if (log == numbers.end()) return estimate;
  estimate.log_constant = log->second;
  estimate.settling = numbers.contains(kSettling);
  for (auto at = numbers.lower_bound(kPower); at != numbers.end() && at->first.starts_with(kPower);
       ++at) {
    const std::string name = at->first.substr(sizeof(kPower) - 1);
    const auto norm = numbers.find(kNorm + name);
    require(norm != numbers.end() && name.size() > 7, "the checkpoint has no number '{}{}'", kNorm,
            name);
    const auto form = tensors.find(kForm + name);
    estimate.terms.push_back({name.substr(7), at->second, norm->second,
                              form == tensors.end() ? at::Tensor() : form->second.to(device)});
  }
  return estimate;
}

}  // namespace taut::train
