#include "src/train/adamw.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace taut::train {

void adamw_step(const at::Tensor& value, const at::Tensor& first, const at::Tensor& second,
                const at::Tensor& gradient, const AdamStep& step) {
  const auto t = static_cast<double>(step.count);
  const double first_share = 1 - std::pow(step.beta1, t);
  const double second_share = 1 - std::pow(step.beta2, t);
  first.lerp_(gradient, 1 - step.beta1);
  second.mul_(step.beta2).addcmul_(gradient, gradient, 1 - step.beta2);
  const at::Tensor size = (second / second_share).sqrt_().add_(step.eps);
  if (step.weight_decay > 0) value.mul_(1 - step.lr * step.weight_decay);
  value.addcdiv_(first, size, -step.lr / first_share);
}

}  // namespace taut::train
