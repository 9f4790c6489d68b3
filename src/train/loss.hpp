#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "models/network.hpp"

namespace taut::train {

// Mean over rows of the cross-entropy of z_j + margin [j != label] + handicap[label, j];
// `smoothing` of the label is spread over all classes alike [Szegedy et al. 2016, arXiv 1512.00567,
// section 7]. Logits (batch, rows, classes), label int64 (batch, rows), handicap (classes, classes)
// or undefined; a scalar.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& label, double margin = 0,
                         const at::Tensor& handicap = {}, double smoothing = 0);

// |gain| ||w_i - w_j|| for all rows of the head: (classes, classes), differentiable; zero and
// without a gradient on the diagonal and between equal rows. Error beyond 2^28 numbers.
at::Tensor head_distances(const models::Linear& head);

// Rows whose largest logit is the label's; the first of equal ones counts. An int64 scalar on their
// device, or the number itself, for which a GPU is waited for.
at::Tensor correct(const at::Tensor& logits, const at::Tensor& label);
int64_t count_correct(const at::Tensor& logits, const at::Tensor& label);

}  // namespace taut::train
