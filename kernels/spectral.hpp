#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/certified_sigma.hpp"

namespace taut::kernels {

// The largest singular triple of every matrix of a (..., m, n) batch, flattened: an estimate, never
// a bound. value (batch), left (batch, m), right (batch, n), unit vectors; zeros for zero matrices.
struct TopPair {
  at::Tensor value, left, right;
};

// Block power iteration with a Rayleigh-Ritz step on a block of up to four vectors; `start`
// (batch, n, block) is where an earlier call ended, or undefined. On return it holds this call's
// block, so that a slowly moving weight needs few iterations. Float, double, or bfloat16 worked on
// in float, then with block and vectors in float; NaN or infinity throws Error, or on a GPU comes
// through. [Halko, Martinsson & Tropp 2011, algorithm 4.4]
TopPair top_singular(const at::Tensor& matrices, at::Tensor& start, int iterations,
                     Workspace* workspace = nullptr);

// The same by `steps` plain steps on one vector a matrix, v (batch, n), which is replaced: no word
// to the host, so CUDA can record it in a graph. Slower where the largest values lie close. The
// value is in double. Infinities and NaN come through.
TopPair power_iteration(const at::Tensor& matrices, at::Tensor& v, int steps);

// W / max(1, sigma / limit). The result is certified: sigma <= limit for every stored matrix.
// [Miyato et al. 2018; here only downward]
at::Tensor spectral_normalize(const at::Tensor& matrices, double limit,
                              Workspace* workspace = nullptr, Proof proof = Proof::now);

// W + (limit - sigma_1) u_1 v_1^T: the largest singular value set to `limit`, upward too, then
// certified <= limit. Only as good as the pair: where the second singular value is above the limit
// the certified division brings the whole matrix down. [Newhouse et al. 2025, "spectral hammer"]
at::Tensor spectral_hammer(const at::Tensor& matrices, const TopPair& top, double limit,
                           Workspace* workspace = nullptr, Proof proof = Proof::now);

// W - decay sigma_1 u_1 v_1^T, 0 <= decay <= 1. [Newhouse et al. 2025, "spectral weight decay"]
at::Tensor spectral_weight_decay(const at::Tensor& matrices, const TopPair& top, double decay,
                                 Workspace* workspace = nullptr);

// limit * polar(W): every singular value that is not zero becomes `limit` up to the accuracy of
// polar express, and sigma <= limit is certified. [Newhouse et al. 2025, "Stiefel"]
at::Tensor stiefel(const at::Tensor& matrices, double limit, Workspace* workspace = nullptr,
                   Proof proof = Proof::now);

}  // namespace taut::kernels
