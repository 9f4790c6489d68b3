#pragma once

#include <map>
#include <string>

#include "src/report/compare.hpp"

namespace taut::report {

// The facts of a run, one line each, with what its certificate and attacks say of how they were
// made. TOML text under "config" becomes "config: train.steps" and so on, so that two runs can be
// compared key by key.
std::map<std::string, std::string> all_facts(const RunReport& run);

}  // namespace taut::report
