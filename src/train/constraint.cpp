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

double rms_cap_of(Role role, const ConstraintOptions& options) {
  if (options.name == "none") return std::numeric_limits<double>::infinity();
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

void soft_cap_after(const at::Tensor& matrices, double w_max, const Move& move) {
  const double unit = unit_norm(matrices.sizes());
  const double alpha = kernels::soft_cap_coupling(w_max, move.lr, move.weight_decay,
                                                  kernels::worst_output(move.polar));
  // s(W / unit) unit = W - (alpha / unit^2) W^3 ...: the unit goes into the coefficient.
  if (alpha > 0) matrices.copy_(kernels::soft_cap(matrices, alpha / (unit * unit)));
  cap_matrices(matrices, w_max);
}

void cap_matrices(const at::Tensor& matrices, double w_max) {
  matrices.copy_(kernels::cap_certified(matrices, w_max * unit_norm(matrices.sizes())));
}

void cap_rows(const at::Tensor& table, double cap) {
  table.copy_(kernels::row_rms_cap(table, cap));
}

}  // namespace taut::train
