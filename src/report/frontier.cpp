#include "src/report/frontier.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/core/core.hpp"
#include "src/report/format.hpp"

namespace taut::report {
namespace {

double bound_of(double stored) {
  return std::isnan(stored) ? std::numeric_limits<double>::infinity() : stored;
}

// Exact: shares of different rows are compared as integers.
int64_t more(const Share& a, const Share& b) { return a.count * b.rows - b.count * a.rows; }

bool beats(const FrontierPoint& a, const FrontierPoint& b) {
  const int64_t accuracy = more(a.accuracy, b.accuracy);
  const bool as_good = accuracy >= 0 && a.log10_constant <= b.log10_constant;
  return as_good && (accuracy > 0 || a.log10_constant < b.log10_constant);
}

double percent_of(const Share& share) { return 100 * share.value(); }

std::string size_text(const Frontier& f) {
  return fmt::format("{} of the {}", f.relative_eps,
                     f.threat.space == models::Space::embedding ? "embedding RMS" : "pixel range");
}

// In order of the bound, the more accurate first.
std::vector<FrontierPoint> sorted(std::vector<FrontierPoint> points) {
  std::stable_sort(points.begin(), points.end(),
                   [](const FrontierPoint& a, const FrontierPoint& b) {
                     if (a.log10_constant != b.log10_constant)
                       return a.log10_constant < b.log10_constant;
                     return more(a.accuracy, b.accuracy) > 0;
                   });
  return points;
}

Axis bound_axis(const std::vector<FrontierPoint>& drawn, const models::Threat& threat) {
  Axis axis{"log10 K, " + models::describe(threat) + " -> l2, last hidden token", 0, 1, false};
  if (drawn.empty()) return axis;
  const double low = drawn.front().log10_constant, high = drawn.back().log10_constant;
  const double room = std::max(0.05 * (high - low), 0.1);
  axis.low = low - room;
  axis.high = high + room;
  return axis;
}

// The best accuracy within each bound.
Series steps_of(const std::vector<FrontierPoint>& drawn, double end) {
  constexpr size_t kBlack = 6;
  Series series{"front: the best accuracy within a bound", kBlack, Mark::dashed_line, {}};
  for (const FrontierPoint& p : drawn) {
    if (!p.front) continue;
    const double height = percent_of(p.accuracy);
    if (!series.points.empty()) {
      series.points.emplace_back(p.log10_constant, series.points.back().second);
    }
    series.points.emplace_back(p.log10_constant, height);
  }
  if (!series.points.empty()) series.points.emplace_back(end, series.points.back().second);
  return series;
}

}  // namespace

double absolute_size(double relative_eps, double unit) {
  return relative_eps * unit * (1 + 0x1p-50);
}

FrontierPoint frontier_point(const std::string& name, const std::string& method,
                             const ThreatResult& result, double eps) {
  require(result.certified && result.certified->rows > 0 && result.log10_constant,
          "{}: its certificate holds no rows", name);
  const Radii& radii = *result.certified;
  return {name,
          method,
          clean(radii),
          robust(radii, eps),
          eps,
          bound_of(result.constant.value_or(std::numeric_limits<double>::infinity())),
          bound_of(*result.log10_constant),
          false};
}

void mark_front(std::vector<FrontierPoint>& points) {
  for (FrontierPoint& p : points) {
    const bool bounded = p.log10_constant < std::numeric_limits<double>::infinity();
    p.front = bounded && std::none_of(points.begin(), points.end(),
                                      [&](const FrontierPoint& q) { return beats(q, p); });
  }
}

Table frontier_table(const Frontier& f) {
  Table table{
      {"run", "method", "accuracy", "certified at " + size_text(f), "log10 K", "K", "front"}, {}};
  for (const FrontierPoint& p : sorted(f.points)) {
    table.rows.push_back({p.name, p.method, percent(p.accuracy.count, p.accuracy.rows),
                          percent(p.certified.count, p.certified.rows, Round::down),
                          number(p.log10_constant, Round::up), number(p.constant, Round::up),
                          p.front ? "*" : ""});
  }
  return table;
}

Plot frontier_plot(const Frontier& f) {
  std::vector<FrontierPoint> drawn = sorted(f.points);
  std::erase_if(drawn, [](const FrontierPoint& p) { return !std::isfinite(p.log10_constant); });
  Plot plot;
  plot.x = bound_axis(drawn, f.threat);
  plot.y = {"accuracy, %", 0, 100, false};
  if (drawn.empty()) return plot;
  std::vector<std::string> methods;
  for (const FrontierPoint& p : drawn) {
    const auto at = std::find(methods.begin(), methods.end(), p.method);
    const auto method = static_cast<size_t>(at - methods.begin());
    if (at == methods.end()) {
      methods.push_back(p.method);
      plot.series.push_back({p.method, method, Mark::filled, {}});
      plot.series.push_back({p.method + ", certified", method, Mark::open, {}});
    }
    plot.series[2 * method].points.emplace_back(p.log10_constant, percent_of(p.accuracy));
    plot.series[2 * method + 1].points.emplace_back(p.log10_constant, percent_of(p.certified));
  }
  plot.series.push_back(steps_of(drawn, plot.x.high));
  return plot;
}

}  // namespace taut::report
