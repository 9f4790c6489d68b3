#include "src/train/constraint.hpp"

#include <ATen/ATen.h>

#include <algorithm>
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
                                              "spectral_weight_decay",
                                              "weight_decay"};
  return names;
}

namespace {

bool is_attention(Role role) {
  return role == Role::query || role == Role::key || role == Role::value;
}

double or_else(double value, double otherwise) { return value > 0 ? value : otherwise; }

}  // namespace

std::string method_of(Role role, const ConstraintOptions& options) {
  const auto own = [&](const std::string& name) { return name.empty() ? options.name : name; };
  if (is_attention(role)) return own(options.attention);
  if (role == Role::head) return own(options.head);
  if (is_matrix(role)) return options.name;
  if (!is_table(role)) return "none";
  if (!options.table.empty()) return options.table;
  return options.name == "none" ? "none" : "row_cap";
}

bool is_capped(Role role, const ConstraintOptions& options) {
  const std::string method = method_of(role, options);
  return method != "none" && method != "spectral_weight_decay" && method != "weight_decay";
}

bool fuses_heads(Role role, const ConstraintOptions& options) {
  return is_attention(role) && options.heads == "fused";
}

double rms_cap_of(Role role, const ConstraintOptions& options) {
  if (!is_capped(role, options)) return std::numeric_limits<double>::infinity();
  if (role == Role::head) return options.w_max_head;
  if (role == Role::value) return or_else(options.w_max_value, options.w_max);
  if (is_attention(role)) return or_else(options.w_max_query_key, options.w_max);
  return is_matrix(role) ? options.w_max : options.table_rms;
}

double cap_of(Role role, c10::IntArrayRef shape, const ConstraintOptions& options) {
  const double cap = rms_cap_of(role, options);
  if (is_matrix(role)) {
    // Of a stack of heads no block is longer than the whole.
    const double blocks = fuses_heads(role, options) ? static_cast<double>(shape[0]) : 1;
    return cap * unit_norm(shape) * std::sqrt(blocks);
  }
  if (is_table(role)) return cap * std::sqrt(static_cast<double>(shape.back()));
  return cap;
}

double cap_factor(const ConstraintOptions& options, int64_t step, int64_t steps) {
  const double left = 1 - static_cast<double>(step) / static_cast<double>(steps);
  return std::pow(options.start, left);
}

namespace {

// Of block power iteration: from a fixed start, and from where the last step ended.
constexpr int kColdIterations = 8, kWarmIterations = 2;

at::Tensor softly_capped(const at::Tensor& matrices, double w_max, const Move& move,
                         kernels::Workspace* workspace) {
  const double unit = unit_norm(matrices.sizes());
  const double alpha =
      kernels::soft_cap_coupling(w_max, move.lr, move.weight_decay, move.update, move.from * w_max);
  // s(W / unit) unit = W - (alpha / unit^2) W^3 ...: the unit goes into the coefficient.
  const at::Tensor soft =
      alpha > 0 ? kernels::soft_cap(matrices, alpha / (unit * unit), workspace) : matrices;
  return move.certify ? kernels::cap_certified(soft, w_max * unit, workspace) : soft;
}

kernels::TopPair top_of(const at::Tensor& matrices, kernels::Workspace* workspace,
                        at::Tensor* block) {
  at::Tensor start = block != nullptr ? *block : at::Tensor();
  const int iterations = start.defined() ? kWarmIterations : kColdIterations;
  const kernels::TopPair top = kernels::top_singular(matrices, start, iterations, workspace);
  if (block != nullptr) *block = start;
  return top;
}

at::Tensor constrained(const at::Tensor& matrices, double w_max, const std::string& method,
                       double decay, const Move& move, kernels::Workspace* workspace,
                       at::Tensor* block) {
  const double unit = unit_norm(matrices.sizes()), cap = w_max * unit;
  const auto proof =
      proves_now(method, matrices.device(), move) ? kernels::Proof::now : kernels::Proof::later;
  if (method == "soft_cap") return softly_capped(matrices, w_max, move, workspace);
  if (method == "hard_cap") {
    // What one step can have made of weights within the cap, and a little for rounding.
    const double reach = 1.00001 * (move.from * cap + move.lr * move.update * unit);
    const double known = std::isfinite(reach) ? reach : 0;
    return kernels::hard_cap(matrices, cap, known, workspace, proof);
  }
  if (method == "spectral_normalize") {
    return kernels::spectral_normalize(matrices, cap, workspace, proof);
  }
  if (method == "stiefel") return kernels::stiefel(matrices, cap, workspace, proof);
  if (method == "hammer") {
    return kernels::spectral_hammer(matrices, top_of(matrices, workspace, block), cap, workspace,
                                    proof);
  }
  if (method == "spectral_weight_decay") {
    return kernels::spectral_weight_decay(matrices, top_of(matrices, workspace, block),
                                          move.lr * decay, workspace);
  }
  return matrices;  // none, and weight_decay, which is a matter of the step itself
}

}  // namespace

bool proves_now(const std::string& method, at::Device device, const Move& move) {
  return move.certify || (method != "soft_cap" && device.is_cpu());
}

void constrain(const at::Tensor& matrices, double w_max, const std::string& method, double decay,
               const Move& move, kernels::Workspace* workspace, at::Tensor* block) {
  const at::Tensor held = constrained(matrices, w_max, method, decay, move, workspace, block);
  if (!held.is_same(matrices)) matrices.copy_(held);
}

double carried_bound(double bound, c10::IntArrayRef shape, const Move& move) {
  const auto side = static_cast<double>(std::min(shape[shape.size() - 2], shape.back()));
  const double update = move.lr * move.update;
  const double rounding = 3 * 0x1p-24 * std::sqrt(side) * (bound + update);
  return bound * std::fabs(1 - move.lr * move.weight_decay) + update + rounding;
}

double certified_norm(const at::Tensor& matrices) {
  // One step up for the division and the root behind unit_norm.
  return kernels::certified_sigma_max(matrices) / unit_norm(matrices.sizes()) * (1 + 0x1p-50);
}

void cap_matrices(const at::Tensor& matrices, double w_max) {
  matrices.copy_(kernels::cap_certified(matrices, w_max * unit_norm(matrices.sizes())));
}

void cap_rows(const at::Tensor& table, double cap) {
  table.copy_(kernels::row_rms_cap(table, cap));
}

}  // namespace taut::train
