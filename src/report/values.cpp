#include "src/report/values.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "src/core/core.hpp"
#include "src/report/format.hpp"

namespace taut::report {
namespace {

std::optional<double> median_of(const std::optional<Radii>& radii) {
  return radii ? median(*radii) : std::nullopt;
}

// Of the rows predicted rightly; their radii are in ascending order.
std::optional<double> smallest_of(const std::optional<Radii>& radii) {
  return radii && !radii->correct.empty() ? std::optional<double>(radii->correct.front())
                                          : std::nullopt;
}

std::optional<double> accuracy(const std::optional<Radii>& radii, double eps) {
  return radii ? std::optional<double>(robust(*radii, eps).value()) : std::nullopt;
}

void add_costs(std::vector<Value>& out, const Comparison& comparison, size_t run) {
  const RunReport& r = comparison.runs[run];
  const Share clean = comparison.clean[run];
  const auto add = [&](const char* quantity, std::optional<double> value) {
    out.push_back({run, std::nullopt, quantity, std::nullopt, std::nullopt, value});
  };
  add("parameters", static_cast<double>(r.parameters));
  add("train_seconds", r.train_seconds);
  add("ms_per_step", r.ms_per_step);
  add("largest_activation", largest_activation(r));
  add("clean_rows", static_cast<double>(clean.rows));
  add("clean_accuracy", clean.rows > 0 ? std::optional<double>(clean.value()) : std::nullopt);
}

void add_threat(std::vector<Value>& out, const ThreatResult& r, size_t run, size_t threat) {
  const auto add = [&](const char* quantity, std::optional<double> value) {
    out.push_back({run, threat, quantity, std::nullopt, std::nullopt, value});
  };
  const bool compared = (r.certified || r.checked.compared > 0) && r.attacked;
  const auto if_compared = [&](size_t count) {
    return compared ? std::optional<double>(static_cast<double>(count)) : std::nullopt;
  };
  add("constant", r.constant);
  add("log10_constant", r.log10_constant);
  add("logit_constant", r.logit_constant);
  add("eps_of_relative_1", r.unit > 0 ? std::optional<double>(r.unit) : std::nullopt);
  const std::optional<Radii>& every = r.certified_all ? r.certified_all : r.certified;
  const auto count = [](bool there, int64_t rows) {
    return there ? std::optional<double>(static_cast<double>(rows)) : std::nullopt;
  };
  add("certified_rows", count(r.certified.has_value(), r.certified_rows));
  add("compared_rows", count(r.certified && r.attacked, r.shared_rows));
  add("attacked_rows", count(r.attacked.has_value(), r.attacked_rows));
  add("smallest_certified_radius", smallest_of(every));
  add("median_certified_radius", median_of(r.certified));
  add("median_certified_radius_fp32", median_of(r.deployed));
  add("median_attack_radius", median_of(r.attacked));
  add("largest_certified_to_attack_ratio", largest_ratio(r));
  add("attacks_compared", if_compared(static_cast<size_t>(r.checked.compared)));
  add("attacks_inside_certified_radius", if_compared(r.checked.contradictions.size()));
}

void add_accuracies(std::vector<Value>& out, const ThreatResult& r, size_t run, size_t threat,
                    double eps) {
  const std::optional<double> relative =
      r.unit > 0 ? std::optional<double>(eps / r.unit) : std::nullopt;
  out.push_back({run, threat, "certified_accuracy", eps, relative, accuracy(r.certified, eps)});
  out.push_back({run, threat, "certified_accuracy_fp32", eps, relative, accuracy(r.deployed, eps)});
  out.push_back({run, threat, "attacked_accuracy", eps, relative, accuracy(r.attacked, eps)});
  if (!r.certified_all) return;
  out.push_back(
      {run, threat, "certified_accuracy_all_rows", eps, relative, accuracy(r.certified_all, eps)});
}

double one_digit(double value) {
  return std::strtod(fmt::format("{:.0e}", value).c_str(), nullptr);
}

// Where accuracies change: the fifths of all radii, one digit each.
std::vector<double> fifths(const std::vector<ThreatResult>& results) {
  std::vector<double> radii, chosen;
  for (const ThreatResult& r : results) {
    for (const auto& some : {r.certified, r.attacked}) {
      if (!some) continue;
      for (const double radius : some->correct) {
        if (radius > 0 && std::isfinite(radius)) radii.push_back(radius);
      }
    }
  }
  std::sort(radii.begin(), radii.end());
  for (size_t k = 1; k < 5 && !radii.empty(); ++k) {
    chosen.push_back(one_digit(radii[radii.size() * k / 5]));
  }
  return chosen;
}

}  // namespace

std::vector<double> eps_list(const Comparison& comparison, size_t threat,
                             const ReportOptions& options) {
  std::vector<double> eps;
  const auto asked = options.eps.find(models::threat_name(comparison.threats[threat]));
  if (asked != options.eps.end()) eps = asked->second;
  if (eps.empty()) {
    for (const RunReport& run : comparison.runs) {
      for (const auto& attack : run.attacks) {
        if (attack.threat == comparison.threats[threat]) {
          eps.insert(eps.end(), attack.eps.begin(), attack.eps.end());
        }
      }
    }
  }
  if (eps.empty()) eps = fifths(comparison.results[threat]);
  std::sort(eps.begin(), eps.end());
  eps.erase(std::unique(eps.begin(), eps.end()), eps.end());
  return eps;
}

bool is_relative_size(const ThreatResult& result, double eps, const ReportOptions& options) {
  return std::any_of(options.relative_eps.begin(), options.relative_eps.end(), [&](double share) {
    return std::abs(eps - share * result.unit) <= 1e-9 * eps;
  });
}

std::vector<Value> values(const Comparison& comparison, const ReportOptions& options) {
  std::vector<Value> out;
  for (size_t run = 0; run < comparison.runs.size(); ++run) {
    add_costs(out, comparison, run);
    for (size_t threat = 0; threat < comparison.threats.size(); ++threat) {
      const ThreatResult& r = comparison.results[threat][run];
      add_threat(out, r, run, threat);
      for (const double eps : eps_list(comparison, threat, options)) {
        if (!is_relative_size(r, eps, options)) add_accuracies(out, r, run, threat, eps);
      }
      for (const double eps : options.relative_eps) {
        if (r.unit > 0) add_accuracies(out, r, run, threat, eps * r.unit);
      }
    }
  }
  return out;
}

Table long_table(const Comparison& comparison, const ReportOptions& options) {
  Table table{
      {"run", "threat", "norm", "quantity", "weight", "head", "eps", "relative_eps", "value"}, {}};
  const auto text = [](const std::optional<double>& v) { return v ? exact(*v) : std::string(); };
  for (const Value& v : values(comparison, options)) {
    const models::Threat* threat = v.threat ? &comparison.threats[*v.threat] : nullptr;
    table.rows.push_back({comparison.runs[v.run].name, threat ? models::threat_name(*threat) : "",
                          threat ? models::describe(*threat) : "", v.quantity, "", "", text(v.eps),
                          text(v.relative_eps), text(v.value)});
  }
  for (const RunReport& run : comparison.runs) {
    if (!run.certificate) continue;
    for (const certify::WeightBound& w : run.certificate->weights) {
      const auto add = [&](const char* quantity, double value) {
        table.rows.push_back({run.name, "", "l2 -> l2", quantity, w.path, std::to_string(w.block),
                              "", "", exact(value)});
      };
      add("sigma_lower", w.lower);
      add("sigma_upper", w.upper);
      if (const auto cap = run.caps.find(w.path); cap != run.caps.end()) {
        add("sigma_cap", cap->second);
      }
    }
  }
  return table;
}

}  // namespace taut::report
