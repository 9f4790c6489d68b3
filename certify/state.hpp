#pragma once

#include <string>
#include <vector>

#include "certify/rounding.hpp"
#include "models/threat.hpp"

namespace taut::certify {

// What is known at one depth of the network, for every input that the threat allows.
struct State {
  Shape shape;
  Upper size;                 // norm of every token, clean and perturbed
  Upper max, frobenius, sum;  // of the token differences, per unit of the threat's norm
  Upper error;                // per token: computed against real activations
  // Images only, until Patchify makes tokens of them.
  double low = 0, high = 0;  // every pixel lies in [low, high]
  Upper entry_change;        // largest change of an entry per unit of the threat's norm
};

// The state at the threat's injection point for perturbations of norm at most `eps`.
State injected(const models::Network& network, const Norms& norms, const models::Threat& threat,
               double eps);

// One layer further; residuals recurse. `precision` says what arithmetic `error` speaks of.
State through(const models::Layer& layer, const Norms& norms, State in, Precision precision);

// The state before the head, whose rows turn the token into logits; after it; and at the end, where
// a cap on the logits may follow.
struct Ends {
  State hidden, logits, output;
};
Ends propagate(const models::Network& network, const Norms& norms, const models::Threat& threat,
               double eps, Precision precision);

// Bounds on the norm of every clean token behind every layer, in the order of
// models::forward_watched: branches of residuals before the residual itself.
std::vector<Upper> token_norms(const models::Network& network, const Norms& norms,
                               const models::Threat& threat);

// What each top-level layer does on the way: for `inspect` and reports.
struct LayerTrace {
  std::string name, kind;
  State after;
};
std::vector<LayerTrace> trace(const models::Network& network, const Norms& norms,
                              const models::Threat& threat, double eps);

}  // namespace taut::certify
