#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/workspace.hpp"

namespace taut::kernels {

// The alpha >= 0 for which the soft cap maps k = from (1 - lr wd) + lr c to w_max, where c is the
// size of one update (worst_output) and `from` the cap before it (0: w_max). 0 when k <= w_max.
// Throws Error when k > 81/62 w_max, which for from = w_max is lr (c / w_max - wd) > 19/62: beyond,
// the cap is no longer monotone on [0, k] (mathematics in soft_cap.cpp).
// [Newhouse et al. 2025, section 3; unique root and limit derived here]
double soft_cap_coupling(double w_max, double lr, double wd, double update = 1, double from = 0);

// The same on tensors in double, all of one shape, on their device and without a word to the host;
// rounded so that the cap holds for the stored alpha. NaN where no alpha holds it or the numbers
// make no sense: it reaches the weights, where a certified division refuses it.
at::Tensor soft_cap_coupling(const at::Tensor& w_max, const at::Tensor& lr, const at::Tensor& wd,
                             const at::Tensor& update);

// p2(p1(W)) with p1(x) = x - alpha x^3, p2(y) = y + alpha y^3 on singular values; (..., m, n),
// float, double, or bfloat16 worked on in float; through the Gram matrix of the short side.
at::Tensor soft_cap(const at::Tensor& matrices, double alpha, Workspace* workspace = nullptr);

// The same with an alpha for each matrix: double, one for each of the batch, on its device.
at::Tensor soft_cap(const at::Tensor& matrices, const at::Tensor& alphas,
                    Workspace* workspace = nullptr);

// Every row divided by max(1, RMS(row) / cap); afterwards RMS(row) <= cap also after rounding.
// NaN or infinity throws Error; on a GPU it comes through.
at::Tensor row_rms_cap(const at::Tensor& table, double cap);

}  // namespace taut::kernels
