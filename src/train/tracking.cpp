#include "src/train/tracking.hpp"

#include <ATen/core/grad_mode.h>

#include <cmath>

#include "certify/certify.hpp"
#include "models/models.hpp"
#include "src/train/constraint.hpp"

namespace taut::train {

double default_bound(const models::Network& network, const certify::Norms& norms) {
  const std::string name = models::threat_names(network.input).front();
  return certify::log10_constant(network, norms, models::parse_threat(name, network.input));
}

Tracking track(const models::Network& network, const at::Tensor& input) {
  const at::NoGradGuard no_grad;
  const models::Network host = models::moved(network, at::kCPU);
  const certify::Norms norms(host);
  Tracking tracking{default_bound(host, norms), models::activation_ranges(network, input), {}};
  models::for_each_tensor(
      host, [&](const std::string& path, const at::Tensor& w, models::Role role) {
        if (!is_matrix(role)) return;
        const certify::TensorNorms& of = norms.of(w);
        for (size_t i = 0; i < of.sigma.size(); ++i) {
          const double upper = of.sigma[i].upper, length = of.frobenius[i].value();
          tracking.weights.push_back({path, static_cast<int64_t>(i), of.sigma[i].lower, upper,
                                      upper > 0 ? std::pow(length / upper, 2) : 0});
        }
      });
  return tracking;
}

}  // namespace taut::train
