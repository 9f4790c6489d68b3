#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include "models/network.hpp"
#include "src/train/options.hpp"

namespace taut::train {

// Which weights a constraint acts on, and what it holds them to.

const std::vector<std::string>& constraint_names();

bool is_matrix(models::Role role);  // hidden, query, key, value, output, head: a map (..., out, in)
bool is_table(models::Role role);   // embedding, position: rows

// sqrt(out / in) of a (..., out, in) weight: RMS->RMS norm 1 is spectral norm `unit_norm`. For
// query, key and value (heads, d_head, width) that is sqrt(d_head / width), head by head.
double unit_norm(c10::IntArrayRef shape);

// The cap of a role in RMS->RMS units; of a table, the RMS of a row. Infinity when uncapped.
double rms_cap_of(models::Role role, const ConstraintOptions& options);

// The same in l2: the largest spectral norm of a matrix (of each head block), or the largest norm
// of a row of a table. Infinity when uncapped.
double cap_of(models::Role role, c10::IntArrayRef shape, const ConstraintOptions& options);

// The step that a constraint has to undo: rate, decay, and the largest RMS->RMS norm of an update
// per unit of rate (kernels::worst_output of a polar set; infinity for AdamW).
struct Move {
  double lr = 0, weight_decay = 0, update = 1;
};

// Matrices (..., out, in) right after a step from weights within `w_max` (RMS->RMS), in place, by
// the method of `options`. Afterwards sigma(stored) <= w_max sqrt(out / in), a theorem, unless the
// method is none or spectral_weight_decay. soft_cap takes the coupling of the step and needs a
// finite update. [Newhouse et al. 2025, section 3]
void constrain(const at::Tensor& matrices, double w_max, const ConstraintOptions& options,
               const Move& move);

// The certified division alone, for weights of any origin.
void cap_matrices(const at::Tensor& matrices, double w_max);

// Every row of a table to RMS <= cap, in place; also those that no batch looked up.
void cap_rows(const at::Tensor& table, double cap);

}  // namespace taut::train
