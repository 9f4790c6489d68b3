#include "src/train/options.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "src/train/constraint.hpp"
#include "src/train/schedule.hpp"

namespace taut::train {
namespace {

// lr (c / w_max - wd) beyond which the soft cap turns back inside one step's reach; see
// kernels::soft_cap_coupling.
constexpr double kLargestStep = 19.0 / 62.0;

void require_known(const char* option, const std::string& name,
                   const std::vector<std::string>& known) {
  require(std::find(known.begin(), known.end(), name) != known.end(), "{}",
          unknown_name(option, name, known));
}

void require_count(const char* option, int64_t value) {
  require(value > 0, "{}: expected a whole number > 0, got {}", option, value);
}

void require_positive(const char* option, double value) {
  require(value > 0 && std::isfinite(value), "{}: expected a number > 0, got {}", option, value);
}

void require_not_negative(const char* option, double value) {
  require(value >= 0 && std::isfinite(value), "{}: expected a number >= 0, got {}", option, value);
}

void require_share(const char* option, double value) {
  require(value >= 0 && value < 1, "{}: expected a number in [0, 1), got {}", option, value);
}

void check(const OptimizerOptions& o) {
  require_known("optimizer.name", o.name, {"muon", "adamw"});
  require_positive("optimizer.lr", o.lr);
  require_share("optimizer.momentum", o.momentum);
  require_not_negative("optimizer.weight_decay", o.weight_decay);
  require(o.lr * o.weight_decay <= 1,
          "optimizer.weight_decay: expected lr * weight_decay <= 1, got {} * {}", o.lr,
          o.weight_decay);
  require_share("optimizer.beta1", o.beta1);
  require_share("optimizer.beta2", o.beta2);
  require_positive("optimizer.eps", o.eps);
  require_positive("optimizer.vector_lr", o.vector_lr);
}

// The soft cap is a cap only while it rises on the whole interval that one step can reach.
void check_coupling(const OptimizerOptions& o, const char* option, double w_max) {
  const double update = kernels::worst_output(kernels::parse_polar_set(o.polar));
  const double ratio = update / w_max - o.weight_decay;
  const double largest = ratio > 0 ? kLargestStep / ratio : std::numeric_limits<double>::infinity();
  require(o.lr <= largest,
          "optimizer.lr: with {} = {} the soft cap holds for a rate in (0, {:.5g}], got {}", option,
          w_max, largest, o.lr);
}

void check(const ConstraintOptions& c, const OptimizerOptions& o) {
  require_known("constraint.name", c.name, constraint_names());
  if (c.name == "none") return;
  require_positive("constraint.table_rms", c.table_rms);
  require_not_negative("constraint.decay", c.decay);
  if (c.name == "spectral_weight_decay") {
    require(o.lr * c.decay <= 1, "constraint.decay: expected lr * decay <= 1, got {} * {}", o.lr,
            c.decay);
    return;
  }
  require_positive("constraint.w_max", c.w_max);
  require_positive("constraint.w_max_head", c.w_max_head);
  if (c.name != "soft_cap") return;
  require(
      o.name == "muon",
      "constraint.name: soft_cap needs optimizer.name muon, got {}: the cap is chosen for updates "
      "of a known spectral norm, and an AdamW update has none (use hard_cap)",
      o.name);
  check_coupling(o, "constraint.w_max", c.w_max);
  check_coupling(o, "constraint.w_max_head", c.w_max_head);
}

}  // namespace

void check(const TrainOptions& options) {
  require_count("steps", options.steps);
  require_count("batch", options.batch);
  require_count("evaluate_every", options.evaluate_every);
  require_count("evaluate_examples", options.evaluate_examples);
  require_count("checkpoint_every", options.checkpoint_every);
  require_count("keep", options.keep);
  require_count("data.context", options.data.context);
  require_known("schedule", options.schedule, schedule_names());
  require_share("warmup", options.warmup);
  require_not_negative("margin", options.margin);
  check(options.optimizer);
  check(options.constraint, options.optimizer);
}

}  // namespace taut::train
