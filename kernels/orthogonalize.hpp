#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "kernels/workspace.hpp"

namespace taut::kernels {

// A named sequence of odd quintic steps x <- a x + b x^3 + c x^5.
enum class PolarSet { muon5, modula6, polar_express };

PolarSet parse_polar_set(const std::string& name);  // Error lists the known ones

// A set and how many of its steps. muon5 repeats one step (default 5), modula6 is a sequence of
// six, polar_express ends in as many (15/8, -10/8, 3/8) as wanted (default 6).
struct Polar {
  PolarSet set = PolarSet::modula6;
  int steps = 0;  // 0: the default
  Polar() = default;
  Polar(PolarSet set_, int steps_ = 0) : set(set_), steps(steps_) {}
};

// plain: X <- a X + (b A + c A^2) X with A = X X^T. gram: the same polynomials on A alone, which is
// cheaper for long matrices. Rounding leaves A with eigenvalues below zero, which steps on it alone
// make larger, so that gram restarts from X half-way, except for sets that make little of them: up
// to four steps of muon5, whose derivative makes up to 3002 of a unit of error in the products: in
// float 1e-5 for gradients of mixed signs, thousandths for nearly rank-one ones, as measured. No
// bound rests on it. automatic: the faster one for the shape.
enum class PolarForm { automatic, plain, gram };

// The polar factor U V^T of every matrix of a (..., m, n) batch to the accuracy of the set;
// singular values of the result are at most worst_output up to rounding. Float or double; bfloat16
// is worked on in float, since no bound holds for steps in half precision, and the result rounded.
// Zero matrices stay zero; NaN or infinity throws Error, or on a GPU comes through. [Newhouse et
// al. 2025; Bernstein 2024, modula; Jordan 2024; Gram form: Dao-AILab, Gram Newton-Schulz, 2026]
at::Tensor orthogonalize(const at::Tensor& matrices, Polar polar = {},
                         PolarForm form = PolarForm::automatic, Workspace* workspace = nullptr);

// Sign of symmetric matrices (..., n, n): eigenvalues to -1, 0 or 1, to the accuracy of the set.
// All products are symmetric, which halves them. The caller vouches for the symmetry.
at::Tensor sign_symmetric(const at::Tensor& matrices, Polar polar = {PolarSet::polar_express, 7},
                          Workspace* workspace = nullptr);

// The largest output of the scalar composition on [0, 1]: the size of one Muon update.
double worst_output(Polar polar);

}  // namespace taut::kernels
