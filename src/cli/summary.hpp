#pragma once

#include <map>
#include <string>
#include <vector>

#include "src/cli/rows.hpp"
#include "src/report/report.hpp"

namespace taut::cli {

// Name, size, cost, caps and facts of a run; results are added by the caller.
report::RunReport described(const OpenRun& run);

// Sizes by threat name.
using EpsByThreat = std::map<std::string, std::vector<double>>;
EpsByThreat eps_by_threat(const OpenRun& run, const RowOptions& rows,
                          const std::vector<models::Threat>& threats);

// The table of the runs on stdout, or one JSON object.
void print_summary(std::vector<report::RunReport> runs, const EpsByThreat& eps, bool json);

}  // namespace taut::cli
