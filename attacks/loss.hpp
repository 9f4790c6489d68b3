#pragma once

#include "attacks/attack.hpp"

namespace taut::attacks {

// logits (rows, classes), label (rows) int64; all results (rows).

// max_{j != y} z_j - z_y: positive when misclassified.
at::Tensor margin_of(const at::Tensor& logits, const at::Tensor& label);

// What an attack maximises. DLR [Croce & Hein 2020] needs three classes and is the margin below.
at::Tensor loss_of(Loss loss, const at::Tensor& logits, const at::Tensor& label);

// Another logit reaches the label's: a tie contradicts a certificate as much as a flip does, and so
// does a NaN. slack > 0 asks for a lead of slack * max |z|.
at::Tensor misclassified(const at::Tensor& logits, const at::Tensor& label, double slack);

// Leads below this are within the rounding of a forward pass, whose order of sums depends on the
// batch: the search does not count them, so that what it finds is still there in a fresh pass.
inline constexpr double kSlack = 0x1p-20;

const char* loss_name(Loss loss);

}  // namespace taut::attacks
