#include "src/train/constraint.hpp"

#include <ATen/ATen.h>

#include <cassert>
#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"

namespace taut::train {

using models::Role;

bool is_matrix(Role role) {
  switch (role) {
    case Role::hidden:
    case Role::query:
    case Role::key:
    case Role::value:
    case Role::output:
    case Role::head:
      return true;
    default:
      return false;
  }
}

bool is_table(Role role) { return role == Role::embedding || role == Role::position; }

double unit_norm(c10::IntArrayRef shape) {
  assert(shape.size() >= 2);
  return std::sqrt(static_cast<double>(shape[shape.size() - 2]) /
                   static_cast<double>(shape.back()));
}

const std::vector<std::string>& constraint_names() {
  static const std::vector<std::string> names{"none",
                                              "soft_cap",
                                              "hard_cap",
                                              "spectral_normalize",
                                              "stiefel",
                                              "hammer",
                                              "spectral_weight_decay"};
  return names;
}

double rms_cap_of(Role role, const ConstraintOptions& options) {
  const bool caps_matrices = options.name != "spectral_weight_decay";
  if (options.name == "none" || (is_matrix(role) && !caps_matrices))
    return std::numeric_limits<double>::infinity();
  if (role == Role::head) return options.w_max_head;
  if (is_matrix(role)) return options.w_max;
  if (is_table(role)) return options.table_rms;
  return std::numeric_limits<double>::infinity();
}

double cap_of(Role role, c10::IntArrayRef shape, const ConstraintOptions& options) {
  const double cap = rms_cap_of(role, options);
  if (is_matrix(role)) return cap * unit_norm(shape);
  if (is_table(role)) return cap * std::sqrt(static_cast<double>(shape.back()));
  return cap;
}

namespace {

constexpr int kIterations = 8;  // of block power iteration, from a fixed start: no state to save

at::Tensor softly_capped(const at::Tensor& matrices, double w_max, const Move& move) {
  const double unit = unit_norm(matrices.sizes());
  const double alpha = kernels::soft_cap_coupling(w_max, move.lr, move.weight_decay, move.update);
  // s(W / unit) unit = W - (alpha / unit^2) W^3 ...: the unit goes into the coefficient.
  const at::Tensor soft = alpha > 0 ? kernels::soft_cap(matrices, alpha / (unit * unit)) : matrices;
  return kernels::cap_certified(soft, w_max * unit);
}

kernels::TopPair top_of(const at::Tensor& matrices) {
  at::Tensor start;
  return kernels::top_singular(matrices, start, kIterations);
}

at::Tensor constrained(const at::Tensor& matrices, double w_max, const ConstraintOptions& options,
                       const Move& move) {
  const double unit = unit_norm(matrices.sizes()), cap = w_max * unit;
  if (options.name == "soft_cap") return softly_capped(matrices, w_max, move);
  if (options.name == "hard_cap") {
    // What one step can have made of weights within the cap, and a little for rounding.
    const double reach = 1.00001 * (cap + move.lr * move.update * unit);
    const double known = std::isfinite(reach) ? reach : 0;
    return kernels::hard_cap(matrices, cap, known);
  }
  if (options.name == "spectral_normalize") return kernels::spectral_normalize(matrices, cap);
  if (options.name == "stiefel") return kernels::stiefel(matrices, cap);
  if (options.name == "hammer") return kernels::spectral_hammer(matrices, top_of(matrices), cap);
  if (options.name == "spectral_weight_decay") {
    return kernels::spectral_weight_decay(matrices, top_of(matrices), move.lr * options.decay);
  }
  return matrices;
}

}  // namespace

void constrain(const at::Tensor& matrices, double w_max, const ConstraintOptions& options,
               const Move& move) {
  const at::Tensor held = constrained(matrices, w_max, options, move);
  if (!held.is_same(matrices)) matrices.copy_(held);
}

void cap_matrices(const at::Tensor& matrices, double w_max) {
  matrices.copy_(kernels::cap_certified(matrices, w_max * unit_norm(matrices.sizes())));
}

void cap_rows(const at::Tensor& table, double cap) {
  table.copy_(kernels::row_rms_cap(table, cap));
}

}  // namespace taut::train
