#include <algorithm>
#include <cmath>

#include "src/core/core.hpp"
#include "src/report/figures.hpp"
#include "src/report/format.hpp"

namespace taut::report {
namespace {

constexpr int kSamples = 400;  // of a curve; finer than its pixels
constexpr double kDecades = 4;

// The radii of a run, in eps or relative to its embedding, and whether it has any.
double unit_of(const ThreatResult& result, bool relative) { return relative ? result.unit : 1; }

double sample(const Axis& x, int i) {
  const double share = static_cast<double>(i) / kSamples;
  return x.log ? x.low * std::pow(x.high / x.low, share) : x.low + (x.high - x.low) * share;
}

// One legend entry in any case, so that the legend has one line a run.
Series curve(const std::optional<Radii>& radii, double unit, const Axis& x, const std::string& run,
             size_t index, Mark mark) {
  const char* what = mark == Mark::solid ? "certified" : "attacked";
  const std::string name = shortened(run, kLongestTitle - std::string(", not certified").size());
  if (!radii) return {fmt::format("{}, not {}", name, what), index, Mark::absent, {}};
  Series series{fmt::format("{}, {}", name, what), index, mark, {}};
  for (int i = 0; i <= kSamples; ++i) {
    const double eps = sample(x, i);
    series.points.emplace_back(eps, 100 * robust(*radii, eps * unit).value());
  }
  return series;
}

// The radii of one curve that decide where the axis begins and ends: a few extreme rows do not.
struct Extent {
  double low = 0, high = 0;
};

void add_extent(std::vector<Extent>& extents, const std::optional<Radii>& radii, double unit) {
  if (!radii) return;
  std::vector<double> shown;
  for (const double r : radii->correct) {
    if (r > 0 && std::isfinite(r)) shown.push_back(r / unit);
  }
  if (shown.empty()) return;
  extents.push_back({shown[shown.size() / 50], shown[shown.size() - 1 - shown.size() / 100]});
}

// A curve that ends far below the others is left at the edge: it must not flatten them.
Axis eps_axis(const Comparison& comparison, size_t threat, bool relative) {
  std::vector<Extent> extents;
  for (const ThreatResult& r : comparison.results[threat]) {
    if (!(unit_of(r, relative) > 0)) continue;
    add_extent(extents, r.certified, unit_of(r, relative));
    add_extent(extents, r.attacked, unit_of(r, relative));
  }
  double highest = 0;
  for (const Extent& e : extents) highest = std::max(highest, e.high);
  std::vector<double> ends;
  for (const Extent& e : extents) {
    if (e.high * std::pow(10.0, kDecades) < highest) continue;
    ends.push_back(e.low);
    ends.push_back(e.high);
  }
  const models::Threat& t = comparison.threats[threat];
  return spanning(ends, relative ? relative_label(t) : "eps, " + models::describe(t), kDecades);
}

std::string count(const std::optional<Radii>& radii, const char* what) {
  return radii ? fmt::format("{} {}", radii->rows, what) : fmt::format("not {}", what);
}

std::string caption(const Comparison& comparison, size_t threat, bool relative) {
  const models::Threat& t = comparison.threats[threat];
  std::vector<std::string> rows;
  for (size_t run = 0; run < comparison.runs.size(); ++run) {
    const ThreatResult& r = comparison.results[threat][run];
    const char* left_out =
        unit_of(r, relative) > 0 ? "" : " (left out: the RMS of its embedding is not known)";
    rows.push_back(fmt::format("{}: {}, {}{}", comparison.runs[run].name,
                               count(r.certified, "certified"), count(r.attacked, "attacked"),
                               left_out));
  }
  return fmt::format(
      "Accuracy against the size of the perturbation ({}{}). Solid: certified, proved for every "
      "perturbation of that size (real arithmetic). Dashed: attacked, not broken by any attack "
      "tried up to that size. Dotted: clean. Where certificate and attack share rows, those rows "
      "alone are counted, and the truth lies between solid and dashed (up to attacks that fool "
      "fp32 by rounding alone). Rows of {}.",
      models::describe(t), relative ? ", " + relative_label(t) : "", join(rows, "; "));
}

}  // namespace

std::string relative_label(const models::Threat& threat) {
  const char* what = threat.norm == models::Norm::l2          ? "RMS of the perturbed sequence"
                     : threat.norm == models::Norm::one_token ? "RMS of the perturbed token"
                     : threat.norm == models::Norm::linf      ? "largest perturbed entry"
                                                              : "largest RMS of a perturbed token";
  return fmt::format("{} / RMS of the embedding table", what);
}

std::optional<Figure> curves(const Comparison& comparison, size_t threat, bool relative) {
  Plot plot;
  plot.x = eps_axis(comparison, threat, relative);
  plot.y = {"rows (%)", -2, 102, false};
  std::vector<Series> attacked;
  for (size_t run = 0; run < comparison.runs.size(); ++run) {
    const ThreatResult& r = comparison.results[threat][run];
    const double unit = unit_of(r, relative);
    if (!(unit > 0) || (!r.certified && !r.attacked)) continue;
    const std::string& name = comparison.runs[run].name;
    const double level = 100 * clean(r.certified ? *r.certified : *r.attacked).value();
    plot.series.push_back({"", run, Mark::dotted, {{plot.x.low, level}, {plot.x.high, level}}});
    plot.series.push_back(curve(r.certified, unit, plot.x, name, run, Mark::solid));
    attacked.push_back(curve(r.attacked, unit, plot.x, name, run, Mark::dashed));
  }
  plot.series.insert(plot.series.end(), attacked.begin(), attacked.end());
  if (plot.series.empty()) return std::nullopt;
  return Figure{plot, caption(comparison, threat, relative)};
}

}  // namespace taut::report
