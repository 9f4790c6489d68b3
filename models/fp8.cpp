#include "models/fp8.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "models/walk.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

constexpr double kLargest = 448;

}  // namespace

Tensor as_e4m3(const Tensor& x, double range) {
  require(range >= 0 && std::isfinite(range), "expected a finite range >= 0, got {}", range);
  if (range == 0) return at::zeros_like(x);
  const double scale = kLargest / range;
  return (x.to(at::kDouble) * scale)
      .clamp(-kLargest, kLargest)
      .to(at::kFloat)
      .to(at::kFloat8_e4m3fn)
      .to(at::kDouble)
      .div(scale)
      .to(x.scalar_type());
}

Network with_e4m3_weights(const Network& network) {
  Network rounded = converted(network, at::kFloat);
  for_each_tensor(rounded, [](const std::string&, Tensor& tensor, Role role) {
    if (!is_trained(role) || tensor.dim() < 2 || tensor.numel() == 0) return;
    if (role == Role::bias || role == Role::gain || role == Role::position_bias) return;
    tensor = as_e4m3(tensor, tensor.abs().max().item<double>());
  });
  return rounded;
}

}  // namespace taut::models
