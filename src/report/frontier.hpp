#pragma once

#include <string>
#include <vector>

#include "src/report/compare.hpp"
#include "src/report/plot.hpp"
#include "src/report/table.hpp"

// What accuracy costs in the bound: runs as points, and the front of those that no other beats.
namespace taut::report {

struct FrontierPoint {
  std::string name, method;  // optimizer and constraint
  Share accuracy;            // clean, of the certificate's rows
  // Of the same rows at `eps`, the relative size in the threat's norm. Accuracy at a bound is only
  // told beside it: with a free output temperature a small bound costs nothing.
  Share certified;
  double eps = 0;
  double constant = 0, log10_constant = 0;  // upper bounds; NaN counts as infinity
  bool front = false;
};

struct Frontier {
  models::Threat threat;
  double relative_eps = 0;
  std::vector<FrontierPoint> points;
};

// The size of `relative_eps` where `unit` is 1, rounded up: what is certified there is certified at
// the size that was asked for.
double absolute_size(double relative_eps, double unit);

// Error unless the result holds certified rows.
FrontierPoint frontier_point(const std::string& name, const std::string& method,
                             const ThreatResult& result, double eps);

// A point is on the front when no other has as much accuracy and as low a bound, and one of the two
// better; equal points stand there together. A bound that is not finite is none, and never there.
void mark_front(std::vector<FrontierPoint>& points);

// One row a run, in order of the bound.
Table frontier_table(const Frontier& frontier);

// Accuracy filled and certified accuracy open, one series a method; the front as steps. Points
// without a finite log10 K are not drawn.
Plot frontier_plot(const Frontier& frontier);

}  // namespace taut::report
