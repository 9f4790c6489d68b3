#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/certified_sigma.hpp"

namespace taut::kernels {

// How min(sigma, limit) is computed on singular values.
enum class HardCap {
  exact,    // eigenvectors of the short side's Gram matrix (LAPACK's syevd), in double
  eigen,    // the same in the working precision: errs by n u sigma^2 / limit
  bounded,  // a matrix sign and a cubic of the Gram matrix, for sigma <= 1.1 limit: errs by 6e-4
            // limit at most where it was measured, by 5e-5 up to 1.05 limit
  msign,    // two matrix signs, for sigma <= 5 limit: 1e-5 limit
};

// Singular values above `limit` become `limit`, the others stay; (..., m, n), float, double, or
// bfloat16 worked on in float. Then sigma <= limit is certified for every stored matrix. On CPUs
// short sides up to 256 are done exactly; otherwise the cheapest method that `sigma_bound` allows
// (what is known of every sigma, 0 for nothing) and the device is fast at: eigenvectors on CPUs,
// products on GPUs. The bound steers only: a wrong one costs accuracy, never the limit. NaN or
// infinity throws Error; without the proof on a GPU it comes through. [Su, kexue.fm 11059; the
// bounded form is ours]
at::Tensor hard_cap(const at::Tensor& matrices, double limit, double sigma_bound = 0,
                    Workspace* workspace = nullptr, Proof proof = Proof::now);

// The same by one method, before the certified division.
at::Tensor hard_cap_by(HardCap method, const at::Tensor& matrices, double limit,
                       Workspace* workspace = nullptr);

}  // namespace taut::kernels
