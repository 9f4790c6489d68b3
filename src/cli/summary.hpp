#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "src/cli/rows.hpp"
#include "src/report/report.hpp"

namespace taut::cli {

// Name, size, cost, caps and facts of a run; results are added by the caller.
report::RunReport described(const OpenRun& run);

// Two runs of one name would be one curve, or one row.
template <class Named>
void make_names_distinct(std::vector<Named>& runs) {
  for (size_t i = 0; i < runs.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (runs[i].name == runs[j].name) runs[i].name += fmt::format(" ({})", i + 1);
    }
  }
}

// Sizes by threat name.
using EpsByThreat = std::map<std::string, std::vector<double>>;
EpsByThreat eps_by_threat(const OpenRun& run, const RowOptions& rows,
                          const std::vector<models::Threat>& threats);

// The table of the runs on stdout, or one JSON object.
void print_summary(std::vector<report::RunReport> runs, const EpsByThreat& eps, bool json);

}  // namespace taut::cli
