#include "src/train/options.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "src/train/constant_estimate.hpp"
#include "src/train/constraint.hpp"
#include "src/train/device.hpp"
#include "src/train/loss.hpp"
#include "src/train/precision.hpp"
#include "src/train/schedule.hpp"

namespace taut::train {
namespace {

// How far above its cap one step may carry a weight before the soft cap turns back inside that
// reach; see kernels::soft_cap_coupling.
constexpr double kLargestGrowth = 19.0 / 62.0;

bool is_one_of(const std::vector<std::string>& known, const std::string& name) {
  return std::find(known.begin(), known.end(), name) != known.end();
}

void require_known(const char* option, const std::string& name,
                   const std::vector<std::string>& known) {
  require(is_one_of(known, name), "{}", unknown_name(option, name, known));
}

void require_count(const char* option, int64_t value) {
  require(value > 0, "{}: expected a whole number > 0, got {}", option, value);
}

void require_within_fp32(const char* option, double value) {
  require(value <= kMostNumber, "{}: expected a number of at most {}, got {}", option, kMostNumber,
          value);
}

void require_positive(const char* option, double value) {
  require(value > 0 && std::isfinite(value), "{}: expected a number > 0, got {}", option, value);
  require_within_fp32(option, value);
}

void require_not_negative(const char* option, double value) {
  require(value >= 0 && std::isfinite(value), "{}: expected a number >= 0, got {}", option, value);
  require_within_fp32(option, value);
}

void require_share(const char* option, double value) {
  require(value >= 0 && value < 1, "{}: expected a number in [0, 1), got {}", option, value);
}

void check(const OptimizerOptions& o) {
  require_known("optimizer.name", o.name, {"muon", "adamw", "sgd"});
  require_positive("optimizer.lr", o.lr);
  require_share("optimizer.momentum", o.momentum);
  require_share("optimizer.momentum_start", o.momentum_start);
  require_share("optimizer.momentum_warmup", o.momentum_warmup);
  require(o.momentum_start == 0 || o.momentum_warmup > 0,
          "optimizer.momentum_start: expected optimizer.momentum_warmup > 0 with it, got 0");
  require_not_negative("optimizer.weight_decay", o.weight_decay);
  require(o.lr * o.weight_decay <= 1,
          "optimizer.weight_decay: expected lr * weight_decay <= 1, got {} * {}", o.lr,
          o.weight_decay);
  require_share("optimizer.beta1", o.beta1);
  require_share("optimizer.beta2", o.beta2);
  require_positive("optimizer.eps", o.eps);
  require_positive("optimizer.vector_lr", o.vector_lr);
  kernels::worst_output(polar_of(o));  // the set has as many steps
}

void check(const LossOptions& l) {
  require_positive("loss.temperature", l.temperature);
  require_share("loss.smoothing", l.smoothing);
  require_not_negative("loss.margin", l.margin);
  require_not_negative("loss.certified_eps", l.certified_eps);
  require_not_negative("loss.adversarial_eps", l.adversarial_eps);
  require_count("loss.adversarial_steps", l.adversarial_steps);
}

// The soft cap is a cap only while it rises on the whole interval that one step can reach: k =
// from (1 - lr wd) + lr c <= (1 + 19/62) cap for every cap of the schedule.
void check_coupling(const TrainOptions& t, const char* option, double w_max) {
  const OptimizerOptions& o = t.optimizer;
  const double update = kernels::worst_output(polar_of(o));
  const double least = w_max * std::min(1.0, t.constraint.start);
  const double fall =
      std::max(1.0, std::pow(t.constraint.start, 1.0 / static_cast<double>(t.steps)));
  const double slope = update / least - fall * o.weight_decay;  // k / cap = fall + lr slope
  const double room = kLargestGrowth - (fall - 1);
  require(room > 0, "constraint.start: {} falls to 1 too fast for the soft cap in {} steps",
          t.constraint.start, t.steps);
  const double largest = slope > 0 ? room / slope : std::numeric_limits<double>::infinity();
  require(o.lr <= largest,
          "optimizer.lr: with {} = {} the soft cap holds for a rate in (0, {}], got {}", option,
          w_max, number(largest, Round::down, 5), o.lr);
}

void check_decay(const TrainOptions& t) {
  require_not_negative("constraint.decay", t.constraint.decay);
  const double decay = t.constraint.decay + t.optimizer.weight_decay;
  require(t.optimizer.lr * decay <= 1, "constraint.decay: expected lr * decay <= 1, got {} * {}",
          t.optimizer.lr, decay);
}

void check_method(const TrainOptions& t, models::Role role, const char* option, const char* cap) {
  const ConstraintOptions& c = t.constraint;
  const OptimizerOptions& o = t.optimizer;
  const std::string method = method_of(role, c);
  require_known(option, method, constraint_names());
  if (method == "none") return;
  if (!is_capped(role, c)) return check_decay(t);
  const double w_max = rms_cap_of(role, c);
  require_positive(cap, w_max);
  if (method != "soft_cap") return;
  require(
      o.name == "muon",
      "{}: soft_cap needs optimizer.name muon, got {}: the cap is chosen for updates of a known "
      "spectral norm, and {} updates have none (use hard_cap)",
      option, o.name, o.name);
  check_coupling(t, cap, w_max);
}

// What moves or waits for the caps of matrices is in vain without one. While caps fall no
// checkpoint is the best one, so that a start would even do harm.
void check_something_capped(const TrainOptions& t) {
  using models::Role;
  const ConstraintOptions& c = t.constraint;
  const bool capped = is_capped(Role::hidden, c) || is_capped(Role::head, c) ||
                      (t.model.name != "mlp" && is_capped(Role::query, c));
  require(capped || !c.lazy, "constraint.lazy: no matrix is capped, there is nothing to leave out");
  require(capped || c.start == 1,
          "constraint.start: no matrix is capped, there is no cap to move from {} times its value",
          c.start);
}

void check_constraint(const TrainOptions& t) {
  using models::Role;
  const ConstraintOptions& c = t.constraint;
  require_not_negative("constraint.w_max_query_key", c.w_max_query_key);
  require_not_negative("constraint.w_max_value", c.w_max_value);
  require_positive("constraint.start", c.start);
  require_known("constraint.heads", c.heads, {"per_head", "fused"});
  require(!c.lazy || t.optimizer.name == "muon",
          "constraint.lazy needs optimizer.name muon: updates of {} have no known norm",
          t.optimizer.name);
  check_method(t, Role::hidden, "constraint.name", "constraint.w_max");
  check_method(t, Role::query, "constraint.attention",
               c.w_max_query_key > 0 ? "constraint.w_max_query_key" : "constraint.w_max");
  check_method(t, Role::value, "constraint.attention",
               c.w_max_value > 0 ? "constraint.w_max_value" : "constraint.w_max");
  check_method(t, Role::head, "constraint.head", "constraint.w_max_head");
  const std::string table = method_of(Role::embedding, c);
  const std::vector<std::string> of_tables = {"row_cap", "none", "weight_decay"};
  require(
      is_one_of(of_tables, table) || !is_one_of(constraint_names(), table),
      "constraint.table: {} acts on the spectral norm of a matrix, and no bound asks for that of "
      "a table: a token takes one row, whose length row_cap holds",
      table);
  require_known("constraint.table", table, of_tables);
  if (table == "row_cap") require_positive("constraint.table_rms", c.table_rms);
  if (table == "weight_decay") check_decay(t);
  check_something_capped(t);
}

}  // namespace

kernels::Polar polar_of(const OptimizerOptions& options) {
  return {kernels::parse_polar_set(options.polar), static_cast<int>(options.polar_steps)};
}

int64_t slices_of(const TrainOptions& options, const team::Team& team) {
  const int64_t asked = std::min(options.slices, options.batch);
  const int64_t each = 1 + (asked - 1) / team.size;
  return std::min(each, options.batch / team.size) * team.size;
}

void check(const TrainOptions& options) {
  require_count("steps", options.steps);
  require_count("batch", options.batch);
  require_count("slices", options.slices);
  require_count("evaluate_every", options.evaluate_every);
  require_count("evaluate_examples", options.evaluate_examples);
  require_count("checkpoint_every", options.checkpoint_every);
  require_count("keep", options.keep);
  require_count("data.context", options.data.context);
  require_share("data.noise", options.data.augmentation.noise);
  require_known("precision", options.precision, precision_names());
  require_known("device", options.device, device_names());
  require_known("schedule", options.schedule, schedule_names());
  require_share("warmup", options.warmup);
  check(options.loss);
  check(options.optimizer);
  check_constraint(options);
}

models::Threat threat_of(const LossOptions& options, const models::InputSpec& input) {
  return models::parse_threat(
      options.threat.empty() ? models::threat_names(input).front() : options.threat, input);
}

void check(const TrainOptions& options, const team::Team& team) {
  require(options.batch >= team.size, "batch: expected an example for each of {} processes, got {}",
          team.size, options.batch);
}

void check(const TrainOptions& options, const models::Network& network) {
  const LossOptions& l = options.loss;
  const models::InputSpec& input = network.input;
  const models::Threat threat = threat_of(l, input);
  if (l.certified_eps > 0) {
    const auto& head = models::head_of(network);
    check_margin(estimate_constant(network, threat), head_distances(head), l.certified_eps);
  }
  const data::Augmentation& how = options.data.augmentation;
  if (input.kind == models::InputKind::pixels) {
    require(how.noise == 0, "data.noise: images have no tokens to replace");
    const int64_t side = std::min(input.height, input.width);
    require(how.shift >= 0 && how.shift <= side,
            "data.shift: expected at most the {} pixels of the image's side, got {}", side,
            how.shift);
    return;
  }
  require(l.adversarial_eps == 0,
          "loss.adversarial_eps: PGD moves images; the rows of a sequence share their input");
  require(!how.flip && how.shift == 0,
          "data.flip and data.shift: only images can be flipped or shifted");
}

}  // namespace taut::train
