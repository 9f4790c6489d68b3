#include "src/cli/layer_costs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "src/core/core.hpp"

namespace taut::cli {
namespace {

constexpr size_t kShown = 12;

std::string power(double log10_added) {
  if (std::isnan(log10_added)) return "-";
  return std::isfinite(log10_added) ? fmt::format("{:+.2f}", log10_added) : "no bound";
}

}  // namespace

std::vector<LayerCost> layer_costs(const models::Network& network, const certify::Norms& norms,
                                   const models::Threat& threat) {
  std::vector<LayerCost> costs;
  double before = 0;
  for (const certify::LayerTrace& layer : certify::trace(network, norms, threat, 0)) {
    const double after = layer.after.max.log10();
    costs.push_back({layer.name, layer.kind, layer.after.size.value(), after, after - before});
    before = after;
  }
  return costs;
}

report::Table cost_table(const models::Network& network, const certify::Norms& norms,
                         const std::vector<models::Threat>& threats) {
  report::Table table{{"powers of ten of K, layer by layer", "kind"}, {}};
  std::vector<std::vector<LayerCost>> columns;
  for (const models::Threat& threat : threats) {
    table.header.push_back(models::threat_name(threat));
    columns.push_back(layer_costs(network, norms, threat));
  }
  // K speaks of the token that the head reads.
  std::vector<size_t> order(models::head_index(network));
  std::iota(order.begin(), order.end(), size_t{0});
  const auto weight = [&](size_t layer) {
    const double added = columns.front()[layer].log10_added;
    return std::isnan(added) ? -std::numeric_limits<double>::infinity() : added;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return weight(a) > weight(b); });
  const size_t shown = std::min(order.size(), kShown);
  for (size_t i = 0; i < shown; ++i) {
    const LayerCost& first = columns.front()[order[i]];
    table.rows.push_back({first.name, first.kind});
    for (const auto& column : columns)
      table.rows.back().push_back(power(column[order[i]].log10_added));
  }
  if (shown == order.size()) return table;
  table.rows.push_back({fmt::format("{} other layers", order.size() - shown), ""});
  for (const auto& column : columns) {
    double rest = 0;
    for (size_t i = shown; i < order.size(); ++i) rest += column[order[i]].log10_added;
    table.rows.back().push_back(power(rest));
  }
  return table;
}

}  // namespace taut::cli
