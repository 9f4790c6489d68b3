#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "models/models.hpp"
#include "src/team/team.hpp"

namespace taut::attacks {

enum class Loss { cross_entropy, margin, dlr };

struct AttackOptions {
  std::vector<double> eps;  // fixed sizes, in the threat's norm; may be empty
  int64_t steps = 20;       // gradient steps of one PGD run, > 0
  int64_t restarts = 1;  // random starts of one PGD run, > 0: the first follows `loss`, the others
                         // raise the nearest classes in turn
  int64_t search = 8;    // bisection rounds of the minimal-radius search; 0: none
  double search_limit = 0;  // largest eps the search tries; 0: chosen from the threat and the data
  Loss loss = Loss::margin;
  int64_t batch = 256;  // rows at once; decides how sums are rounded, and nothing else
  uint64_t seed = 0;
  team::Team team{};  // ranks that take the batches of an attempt in turn; all return the whole
                      // result, bit for bit that of one
};

// The rows under attack: the inputs of their examples, and which position's prediction is meant.
struct Rows {
  at::Tensor input;                     // (rows, ...) pixels or token ids of the row's example
  at::Tensor example, position, label;  // (rows) int64
};

// Found and verified. `radius` is the norm (fp64, rounded up) of the smallest perturbation that
// fools the fp32 program in a fresh forward pass, `radius_confirmed` that of the smallest which
// fools fp64 as well: one may be fooled by rounding alone. Infinity when none was found; 0 where
// the clean input is already misclassified. success[e] is radius <= eps[e].
struct AttackResult {
  models::Threat threat;
  std::vector<double> eps;
  at::Tensor example, position, label, prediction;  // (rows) int64; prediction of the clean input
  at::Tensor success;                               // (eps, rows) bool
  at::Tensor radius;                                // (rows) double
  at::Tensor radius_confirmed;                      // (rows) double, >= radius
  // (rows, ...) float: the perturbed injection tensors of both radii; clean where there is none
  at::Tensor adversarial, adversarial_confirmed;
  double embedding_rms = 0;  // 0 for pixels
  int64_t gradients = 0;     // gradient evaluations, summed over rows
  double seconds = 0;
  std::map<std::string, std::string> provenance;
};

// PGD at every eps and, when `search` > 0, the minimal-radius search, on fp32 weights.
AttackResult attack(const models::Network& network, const Rows& rows, const models::Threat& threat,
                    const AttackOptions& options);

Loss parse_loss(const std::string& name);  // Error lists the known ones

}  // namespace taut::attacks
