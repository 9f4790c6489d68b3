#include "src/train/sgd.hpp"

#include <ATen/ATen.h>

namespace taut::train {

void sgd_step(const at::Tensor& value, const at::Tensor& momentum, const at::Tensor& gradient,
              const SgdStep& step) {
  momentum.mul_(step.momentum).add_(gradient);
  if (step.weight_decay > 0) value.mul_(1 - step.lr * step.weight_decay);
  value.sub_(step.nesterov ? gradient + step.momentum * momentum : momentum, step.lr);
}

}  // namespace taut::train
