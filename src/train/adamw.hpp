#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace taut::train {

struct AdamStep {
  double lr = 0, weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  int64_t count = 1;  // of this step, from 1: the bias correction
};

// One step on entries of any shape, in place:
//   m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,
//   w <- (1 - lr wd) w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).
// [Kingma & Ba 2015; decoupled decay: Loshchilov & Hutter 2019]
void adamw_step(const at::Tensor& value, const at::Tensor& first, const at::Tensor& second,
                const at::Tensor& gradient, const AdamStep& step);

}  // namespace taut::train
