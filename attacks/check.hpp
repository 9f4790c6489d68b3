#pragma once

#include <string>
#include <vector>

#include "attacks/attack.hpp"
#include "certify/certificate.hpp"

namespace taut::attacks {

// An adversarial whose norm lies inside a certified radius of its row: one that fp64 confirms
// inside either, or one of the fp32 program inside radius_deployed.
struct Contradiction {
  int64_t example = 0, position = 0;
  double attack_radius = 0, certified_radius = 0;
};

struct CheckedRows {
  int64_t compared = 0;  // successful attacks on rows whose label the certificate is about
  std::vector<Contradiction> contradictions;
};

// Every success of `result` against each threat of the certificate in whose norm it is no longer
// (an l2 perturbation is one of linf, that of one token one of every token); rows are matched by
// (example, position). A certificate without such a threat compares nothing.
CheckedRows check(const AttackResult& result, const certify::Certificate& certificate);

}  // namespace taut::attacks
