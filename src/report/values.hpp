#pragma once

#include "src/report/report.hpp"

// Every figure of a comparison, unrounded: the rows of report.csv and the leaves of --json.
namespace taut::report {

struct Value {
  size_t run = 0;
  std::optional<size_t> threat;  // index into Comparison::threats
  std::string quantity;
  std::optional<double> eps, relative_eps;
  std::optional<double> value;  // none: not measured
};

// Whether eps is one of the sizes relative to the embedding of this result.
bool is_relative_size(const ThreatResult& result, double eps, const ReportOptions& options);

std::vector<Value> values(const Comparison& comparison, const ReportOptions& options);

// run, threat, norm, quantity, weight, head, eps, relative_eps, value; the weights' bounds at the
// end.
Table long_table(const Comparison& comparison, const ReportOptions& options);

// Sizes at which a threat's accuracies are told (see ReportOptions::eps), ascending.
std::vector<double> eps_list(const Comparison& comparison, size_t threat,
                             const ReportOptions& options);

}  // namespace taut::report
