#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/orthogonalize.hpp"

namespace taut::train {

struct MuonStep {
  double lr = 0, weight_decay = 0;
  double momentum = 0.9;
  bool nesterov = false;
  kernels::Polar polar = {};
};

// One step of a batch of matrices (..., out, in), in place:
//   M <- beta M + (1 - beta) G,   W <- (1 - lr wd) W - lr sqrt(out / in) polar(M).
// The update is at most lr * worst_output(polar) in RMS->RMS norm, whatever the gradient. With
// Nesterov the polar factor is that of beta M + (1 - beta) G. Throws Error on NaN or infinity.
// [Jordan 2024; Bernstein 2024; Newhouse et al. 2025]
void muon_step(const at::Tensor& value, const at::Tensor& momentum, const at::Tensor& gradient,
               const MuonStep& step, kernels::Workspace* workspace = nullptr);

// The same for tables (rows, width), whose rows are looked up one by one: in place of the polar
// factor, rows_to_unit_rms(M), without its sqrt(out / in).
void row_step(const at::Tensor& value, const at::Tensor& momentum, const at::Tensor& gradient,
              const MuonStep& step);

// How much less than the longest row a row may be and still be brought to its length.
inline constexpr double kInflation = 16;

// Rows scaled to RMS 1; rows shorter than 1/16 of the longest are scaled like a row of that length,
// so that noise in a rare row does not become a full step. Zero rows stay zero.
at::Tensor rows_to_unit_rms(const at::Tensor& rows);

}  // namespace taut::train
