#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "src/report/compare.hpp"
#include "src/report/table.hpp"

// Runs side by side: what `taut compare` prints and writes.
namespace taut::report {

struct ReportOptions {
  // Sizes by threat name, in the threat's norm; without: those attacked, else chosen from the
  // radii.
  std::map<std::string, std::vector<double>> eps;
  std::vector<double> relative_eps = {0.001, 0.003, 0.01, 0.03, 0.1};  // of the embedding's RMS
};

// One column per run; every row names what it measures and, for a threat, norm and space.
Table summary_table(const Comparison& comparison, const ReportOptions& options);

// The same figures unrounded. Infinity is "inf", NaN "nan", what was not measured null.
std::string summary_json(const Comparison& comparison, const ReportOptions& options);

// report.html, report.md and report.csv in `folder`, which is made if need be. Each file is
// replaced whole, and none when a plot fails. Error on an unwritable folder and when gnuplot is
// missing.
void write_report(const std::filesystem::path& folder, const Comparison& comparison,
                  const ReportOptions& options);

}  // namespace taut::report
