#pragma once

#include "src/report/report.hpp"

// The tables of the report, rounded for reading: one column per run unless said otherwise.
namespace taut::report {

// Cells of figures that a run does not have.
inline constexpr const char* kNotCertified = "not certified";
inline constexpr const char* kNotAttacked = "not attacked";
inline constexpr const char* kNotMeasured = "not measured";
inline constexpr const char* kNoRms = "RMS not known";

Table cost_table(const Comparison& comparison);
Table threat_table(const Comparison& comparison, size_t threat);

// Certified (real arithmetic and the fp32 program) and attacked accuracy at each eps; relative: at
// each share of the embedding's RMS.
Table accuracy_table(const Comparison& comparison, size_t threat, const ReportOptions& options);
Table relative_accuracy_table(const Comparison& comparison, size_t threat,
                              const ReportOptions& options);

// Largest |entry| and RMS of every layer's output.
Table layer_table(const RunReport& run);

// sigma (l2 -> l2) of every stored matrix as [lower, upper], its stable rank, and its cap.
Table weight_table(const RunReport& run);

// Configuration and provenance: the lines that differ, or those that are the same in all runs.
Table facts_table(const Comparison& comparison, bool differing);

// One row a contradiction, at most `most`.
Table contradiction_table(const Comparison& comparison, size_t most);

}  // namespace taut::report
