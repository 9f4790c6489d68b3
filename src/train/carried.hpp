#pragma once

#include "src/train/groups.hpp"

// What groups carry from step to step beside momenta, by the names of their members, since other
// ranks group them otherwise: "bound.<path>" of a lazy cap, "block.<path>" where top_singular goes
// on, "uncapped.<path>" where a certified division is due.
namespace taut::train {

void save_carried(const std::vector<Group>& groups, NamedTensors& out);

// What is missing costs a projection, a cold start, nothing. Bounds only for `lazy` caps. Error on
// what does not fit or is not finite.
void restore_carried(std::vector<Group>& groups, const NamedTensors& from, bool lazy);

}  // namespace taut::train
