#pragma once

#include <string>
#include <vector>

#include "src/report/compare.hpp"
#include "src/report/rows.hpp"

// A certificate and the attacks of one run under one threat, row by row: what stands side by side
// must be about the same rows.
namespace taut::report {

// One pair for each row that both saw and both predicted rightly. Error when they give a row
// different labels.
std::vector<Pair> pairs_of(const Rows& certified, const Rows& attacked, const std::string& run);

// The radii and row counts of a result, over the shared rows where there are any; a row counts as
// right only where both predicted it rightly.
void set_radii(ThreatResult& result, const Rows& certified, const Rows& attacked);

// What a reader must know of the rows before setting one figure of a threat beside another; one
// result a run.
void add_row_notes(std::vector<std::string>& notes, const std::string& threat,
                   const std::vector<RunReport>& runs, const std::vector<ThreatResult>& results);

}  // namespace taut::report
