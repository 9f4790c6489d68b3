#include <algorithm>
#include <cmath>

#include "src/core/core.hpp"
#include "src/report/figures.hpp"
#include "src/report/format.hpp"

namespace taut::report {
namespace {

constexpr size_t kMostPoints = 1500;  // of one run
constexpr double kSmallest = 1e-4;    // of the largest radius; below, a point says only: hopeless
constexpr double kDecades = 300;      // what is left is drawn, wherever it lies

// At most kMostPoints, evenly taken.
void thin(std::vector<std::pair<double, double>>& points) {
  if (points.size() <= kMostPoints) return;
  std::vector<std::pair<double, double>> kept;
  for (size_t i = 0; i < kMostPoints; ++i) kept.push_back(points[i * points.size() / kMostPoints]);
  points = std::move(kept);
}

struct Counts {
  int64_t below = 0, no_certificate = 0, unbroken = 0;
};

// Takes away the points far below the largest certified radius of all runs; how many.
size_t clip(Series& series, double largest) {
  return std::erase_if(series.points,
                       [&](const auto& point) { return point.first < kSmallest * largest; });
}

double largest_certified(const std::vector<Series>& runs) {
  double largest = 0;
  for (const Series& series : runs) {
    for (const auto& [certified, attacked] : series.points) largest = std::max(largest, certified);
  }
  return largest;
}

// Points on or above the diagonal and below it. A row may be both never broken and without a proof.
Counts split(const ThreatResult& result, Series& above, Series& below) {
  Counts counts;
  for (const Pair& pair : result.pairs) {
    const bool proved = pair.certified > 0, broken = std::isfinite(pair.attacked);
    const bool inside = pair.attacked < pair.certified;
    counts.no_certificate += proved ? 0 : 1;
    counts.unbroken += broken ? 0 : 1;
    counts.below += inside ? 1 : 0;
    if (!proved || !broken || std::isinf(pair.certified) || !(pair.attacked > 0)) continue;
    (inside ? below : above).points.emplace_back(pair.certified, pair.attacked);
  }
  return counts;
}

// Both axes reach the diagonal, so that the distance to it can be seen.
void set_axes(Plot& plot, const std::string& norm) {
  std::vector<double> certified, attacked;
  for (const Series& series : plot.series) {
    for (const auto& [x, y] : series.points) {
      certified.push_back(x);
      attacked.push_back(y);
    }
  }
  if (!certified.empty()) {
    const double largest = *std::max_element(certified.begin(), certified.end());
    certified.push_back(*std::max_element(attacked.begin(), attacked.end()));
    attacked.push_back(largest);
  }
  plot.x = spanning(certified, "certified radius, " + norm, kDecades);
  plot.y = spanning(attacked, "attack radius, " + norm, kDecades);
}

std::string left_out(size_t clipped, const Series& points) {
  std::string text;
  if (clipped > 0) text += fmt::format(", {} with a radius too small to draw", clipped);
  if (points.points.size() > kMostPoints) text += fmt::format(" ({} points drawn)", kMostPoints);
  return text;
}

}  // namespace

std::optional<Figure> scatter(const Comparison& comparison, size_t threat) {
  const std::string norm = models::describe(comparison.threats[threat]);
  Plot plot;
  plot.square = plot.diagonal = true;
  std::vector<std::string> notes;
  Series alarm{"attack inside the radius", 0, Mark::alarm, {}};
  for (size_t run = 0; run < comparison.runs.size(); ++run) {
    const ThreatResult& r = comparison.results[threat][run];
    if (r.pairs.empty()) continue;
    Series points{shortened(comparison.runs[run].name, 30), run, Mark::points, {}};
    const Counts counts = split(r, points, alarm);
    notes.push_back(fmt::format(
        "{}: {} rows, {} below the line, {} without a certificate, {} never broken", points.title,
        r.pairs.size(), counts.below, counts.no_certificate, counts.unbroken));
    plot.series.push_back(std::move(points));
  }
  if (plot.series.empty()) return std::nullopt;
  const double largest = largest_certified(plot.series);
  for (size_t i = 0; i < plot.series.size(); ++i) {
    notes[i] += left_out(clip(plot.series[i], largest), plot.series[i]);
    thin(plot.series[i].points);
  }
  if (!alarm.points.empty()) plot.series.push_back(alarm);
  set_axes(plot, norm);
  return Figure{plot, fmt::format("Per row predicted rightly: radius proved against radius of the "
                                  "smallest perturbation found ({}). The line is where both agree; "
                                  "a sound certificate keeps every point on or above it. Rows "
                                  "without a certificate (radius 0) or never broken (no attack "
                                  "radius) are not drawn. {}.",
                                  norm, join(notes, "; "))};
}

}  // namespace taut::report
