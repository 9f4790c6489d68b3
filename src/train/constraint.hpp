#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include "kernels/workspace.hpp"
#include "models/network.hpp"
#include "src/train/options.hpp"

namespace taut::train {

// Which weights a constraint acts on, and what it holds them to.

const std::vector<std::string>& constraint_names();

// The method for a role: options.name, attention or head; for tables row_cap or none; none for the
// rest.
std::string method_of(models::Role role, const ConstraintOptions& options);

// Whether that method holds the role below a cap.
bool is_capped(models::Role role, const ConstraintOptions& options);

// Whether the heads of this role are one matrix: sigma of the stack is capped, not of each block.
bool fuses_heads(models::Role role, const ConstraintOptions& options);

bool is_matrix(models::Role role);  // hidden, query, key, value, output, head: a map (..., out, in)
bool is_table(models::Role role);   // embedding, position: rows

// sqrt(out / in) of a (..., out, in) weight: RMS->RMS norm 1 is spectral norm `unit_norm`. For
// query, key and value (heads, d_head, width) that is sqrt(d_head / width), head by head.
double unit_norm(c10::IntArrayRef shape);

// Factor of all caps of matrices when `step` of `steps` are done.
double cap_factor(const ConstraintOptions& options, int64_t step, int64_t steps);

// The cap of a role in RMS->RMS units; of a table, the RMS of a row. Infinity when uncapped.
double rms_cap_of(models::Role role, const ConstraintOptions& options);

// The same in l2: the largest spectral norm of a matrix (of each head block), or the largest norm
// of a row of a table. Infinity when uncapped.
double cap_of(models::Role role, c10::IntArrayRef shape, const ConstraintOptions& options);

// The step that a constraint has to undo: rate, decay, and the largest RMS->RMS norm of an update
// per unit of rate (kernels::worst_output of a polar set; infinity for AdamW).
struct Move {
  double lr = 0, weight_decay = 0, update = 1;
  double from = 1;      // the cap before the step, over the cap that is asked for now
  bool certify = true;  // false: certified divisions that can wait do (proves_now)
};

// Matrices (..., out, in) right after a step from weights within move.from w_max (RMS->RMS), in
// place, by `method`. Afterwards sigma(stored) <= w_max sqrt(out / in), a theorem, unless the
// method is none or spectral_weight_decay. soft_cap takes the coupling of the step and needs a
// finite update; without the division (proves_now) it errs by the roundings since the last one,
// which no later cap makes larger: the slope of a coupled cap is at most 1 where it ends. `block`:
// where top_singular left off and will go on from. [Newhouse et al. 2025, section 3]
void constrain(const at::Tensor& matrices, double w_max, const std::string& method, double decay,
               const Move& move, kernels::Workspace* workspace = nullptr,
               at::Tensor* block = nullptr);

// Whether constrain() ends in the certified division, which is the CPU's. Without move.certify
// soft_cap leaves it out, and on a GPU every method does: caps then hold up to what the method errs
// by (hard_cap.hpp), which does not add up, the hammer's up to the second singular value.
bool proves_now(const std::string& method, at::Device device, const Move& move);

// What a bound b on the norms of matrices becomes over a step, all in RMS->RMS units:
// b |1 - lr wd| + lr c + 3 u sqrt(min(m, n)) (b + lr c), the last term for rounding to fp32.
// Infinite unless the update is bounded. It says when to project; c is that of exact arithmetic, so
// that no certificate rests on it.
double carried_bound(double bound, c10::IntArrayRef shape, const Move& move);

// The largest certified RMS->RMS norm of the matrices.
double certified_norm(const at::Tensor& matrices);

// The certified division alone, for weights of any origin.
void cap_matrices(const at::Tensor& matrices, double w_max);

// Every row of a table to RMS <= cap, in place; also those that no batch looked up.
void cap_rows(const at::Tensor& table, double cap);

}  // namespace taut::train
