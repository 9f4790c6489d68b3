#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace taut::train {

// Mean over rows of the cross-entropy of z_j + margin [j != label]. Logits (batch, rows, classes),
// label int64 (batch, rows); a scalar.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& label, double margin = 0);

// Rows whose largest logit is the label's; the first of equal ones counts.
int64_t count_correct(const at::Tensor& logits, const at::Tensor& label);

}  // namespace taut::train
