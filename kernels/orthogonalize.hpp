#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace taut::kernels {

// A named sequence of odd quintic steps x <- a x + b x^3 + c x^5.
enum class PolarSet { muon5, modula6, polar_express6 };

PolarSet parse_polar_set(const std::string& name);  // Error lists the known ones

// The polar factor U V^T of every matrix of a (..., m, n) batch, float or double, to the accuracy
// of the set; singular values of the result are at most worst_output(set) up to rounding. Zero
// matrices stay zero; NaN or infinity throws Error. [Newhouse et al. 2025; Bernstein 2024, modula;
// Jordan 2024]
at::Tensor orthogonalize(const at::Tensor& matrices, PolarSet set = PolarSet::modula6);

// The largest output of the set's scalar composition on [0, 1]: the size of one Muon update.
double worst_output(PolarSet set);

}  // namespace taut::kernels
