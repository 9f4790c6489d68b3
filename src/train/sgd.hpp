#pragma once

#include <ATen/core/Tensor.h>

namespace taut::train {

struct SgdStep {
  double lr = 0, weight_decay = 0;
  double momentum = 0.9;
  bool nesterov = false;
};

// One step on entries of any shape, in place:
//   M <- beta M + g,   w <- (1 - lr wd) w - lr M;
// with Nesterov g + beta M in place of M. [Sutskever et al. 2013]
void sgd_step(const at::Tensor& value, const at::Tensor& momentum, const at::Tensor& gradient,
              const SgdStep& step);

}  // namespace taut::train
