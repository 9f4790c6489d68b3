#include "src/report/tables.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "src/core/core.hpp"
#include "src/report/format.hpp"
#include "src/report/values.hpp"

namespace taut::report {
namespace {

Table by_run(const Comparison& comparison) {
  Table table;
  table.header.push_back("");
  for (const RunReport& run : comparison.runs) table.header.push_back(run.name);
  return table;
}

template <class Cell>
void add_row(Table& table, const Comparison& comparison, const std::string& label, Cell&& cell) {
  auto& row = table.rows.emplace_back(1, label);
  for (size_t run = 0; run < comparison.runs.size(); ++run) row.push_back(cell(run));
}

std::string shown(const std::optional<double>& value, const char* absent,
                  Round round = Round::nearest) {
  return value ? number(*value, round) : absent;
}

std::string median_text(const std::optional<Radii>& radii, double unit, const char* absent,
                        Round round) {
  if (!radii) return absent;
  if (!(unit > 0)) return kNoRms;
  const std::optional<double> middle = median(*radii);
  return middle ? number(*middle / unit, round) : "no row predicted rightly";
}

// Certified, by the fp32 program, under attack: in the threat's norm, or relative to the embedding.
void add_medians(Table& table, const Comparison& comparison, size_t threat, bool relative) {
  const auto& results = comparison.results[threat];
  const char* per = relative ? " / embedding RMS" : "";
  const auto add = [&](const char* what, const char* who, auto field, const char* absent,
                       Round round) {
    add_row(table, comparison, fmt::format("{}{}{}", what, per, who), [&](size_t run) {
      return median_text(results[run].*field, relative ? results[run].unit : 1, absent, round);
    });
  };
  add("median certified radius", "", &ThreatResult::certified, kNotCertified, Round::down);
  add("median certified radius", ", fp32 program", &ThreatResult::deployed, kNotCertified,
      Round::down);
  add("median attack radius", "", &ThreatResult::attacked, kNotAttacked, Round::up);
}

// ||W||_F^2 / sigma^2 of a certificate's matrix; empty when the checkpoint is not at hand.
std::string stable_rank(const RunReport& run, const certify::WeightBound& w) {
  const auto norms = run.frobenius.find(w.path);
  const auto block = static_cast<size_t>(w.block);
  if (norms == run.frobenius.end() || block >= norms->second.size() || w.upper == 0) return "";
  return number(std::pow(norms->second[block] / w.upper, 2));
}

std::string rows_text(const ThreatResult& r) {
  if (!r.certified) return kNotCertified;
  if (!r.attacked) return kNotAttacked;
  return fmt::format("{} of {}", r.shared_rows, r.certified_rows);
}

std::string share_text(const std::optional<Radii>& radii, double eps, const char* absent,
                       Round round) {
  if (!radii) return absent;
  const Share share = robust(*radii, eps);
  return percent(share.count, share.rows, round);
}

std::string ratio_text(const ThreatResult& r) {
  if (!r.certified) return kNotCertified;
  if (!r.attacked) return kNotAttacked;
  return shown(largest_ratio(r), "no attack succeeded", Round::up);
}

// `eps_of` gives each run's size, 0 where it has none.
template <class EpsOf>
void add_accuracies(Table& table, const Comparison& comparison, size_t threat,
                    const std::string& size, EpsOf&& eps_of) {
  const auto& results = comparison.results[threat];
  const auto add = [&](const std::string& label, auto field, const char* absent, Round round) {
    add_row(table, comparison, label, [&](size_t run) -> std::string {
      const std::optional<double> eps = eps_of(run);
      if (!eps && results[run].*field) return kNoRms;
      return share_text(results[run].*field, eps.value_or(0), absent, round);
    });
  };
  add("accuracy certified at " + size, &ThreatResult::certified, kNotCertified, Round::down);
  add("accuracy certified at " + size + ", fp32 program", &ThreatResult::deployed, kNotCertified,
      Round::down);
  add("accuracy under attack at " + size, &ThreatResult::attacked, kNotAttacked, Round::up);
  const bool more = std::any_of(results.begin(), results.end(),
                                [](const ThreatResult& r) { return r.certified_all.has_value(); });
  if (!more) return;
  add_row(table, comparison, "accuracy certified at " + size + ", every certified row",
          [&](size_t run) -> std::string {
            const ThreatResult& r = results[run];
            const std::optional<double> eps = eps_of(run);
            if (!eps && r.certified) return kNoRms;
            return share_text(r.certified_all ? r.certified_all : r.certified, eps.value_or(0),
                              kNotCertified, Round::down);
          });
}

std::string fact(const RunReport& run, const std::string& key) {
  const auto found = run.facts.find(key);
  return found == run.facts.end() ? "" : found->second;
}

}  // namespace

Table cost_table(const Comparison& comparison) {
  Table table = by_run(comparison);
  const auto& runs = comparison.runs;
  add_row(table, comparison, "clean accuracy", [&](size_t run) -> std::string {
    const Share& clean = comparison.clean[run];
    if (clean.rows == 0) return kNotMeasured;
    return fmt::format("{} of {} rows", percent(clean.count, clean.rows), clean.rows);
  });
  add_row(table, comparison, "parameters",
          [&](size_t run) { return grouped(runs[run].parameters); });
  add_row(table, comparison, "training (s)",
          [&](size_t run) { return shown(runs[run].train_seconds, kNotMeasured); });
  add_row(table, comparison, "step (ms)",
          [&](size_t run) { return shown(runs[run].ms_per_step, kNotMeasured); });
  add_row(table, comparison, "certifying (s)", [&](size_t run) -> std::string {
    return runs[run].certificate ? number(runs[run].certificate->seconds) : kNotCertified;
  });
  add_row(table, comparison, "attacking (s)", [&](size_t run) -> std::string {
    double seconds = 0;
    for (const attacks::AttackResult& attack : runs[run].attacks) seconds += attack.seconds;
    return runs[run].attacks.empty() ? kNotAttacked : number(seconds);
  });
  add_row(table, comparison, "largest activation entry", [&](size_t run) {
    return shown(largest_activation(runs[run]), kNotMeasured, Round::up);
  });
  return table;
}

Table threat_table(const Comparison& comparison, size_t threat) {
  Table table = by_run(comparison);
  const auto& results = comparison.results[threat];
  const std::string norm = models::describe(comparison.threats[threat]);
  add_row(table, comparison, fmt::format("K: {} -> l2, last hidden token", norm),
          [&](size_t run) { return shown(results[run].constant, kNotCertified, Round::up); });
  add_row(table, comparison, "log10 K",
          [&](size_t run) { return shown(results[run].log10_constant, kNotCertified, Round::up); });
  add_row(table, comparison, "K to the logits, l2",
          [&](size_t run) { return shown(results[run].logit_constant, kNotCertified, Round::up); });
  add_row(table, comparison, "rows attacked, of those certified",
          [&](size_t run) { return rows_text(results[run]); });
  add_medians(table, comparison, threat, false);
  if (comparison.threats[threat].space == models::Space::embedding) {
    add_medians(table, comparison, threat, true);
  }
  add_row(table, comparison, "largest certified / attack radius",
          [&](size_t run) { return ratio_text(results[run]); });
  add_row(table, comparison, "attacks inside a certified radius", [&](size_t run) -> std::string {
    const ThreatResult& r = results[run];
    if (!r.certified && r.checked.compared == 0) return kNotCertified;
    if (!r.attacked) return kNotAttacked;
    return fmt::format("{} of {}", r.checked.contradictions.size(), r.checked.compared);
  });
  return table;
}

Table accuracy_table(const Comparison& comparison, size_t threat, const ReportOptions& options) {
  Table table = by_run(comparison);
  for (const double eps : eps_list(comparison, threat, options)) {
    add_accuracies(table, comparison, threat, number(eps),
                   [&](size_t) { return std::optional<double>(eps); });
  }
  return table;
}

Table relative_accuracy_table(const Comparison& comparison, size_t threat,
                              const ReportOptions& options) {
  Table table = by_run(comparison);
  for (const double eps : options.relative_eps) {
    add_accuracies(table, comparison, threat, number(eps) + " of the embedding RMS",
                   [&](size_t run) {
                     const double unit = comparison.results[threat][run].unit;
                     return unit > 0 ? std::optional<double>(eps * unit) : std::nullopt;
                   });
  }
  return table;
}

Table layer_table(const RunReport& run) {
  Table table{{"layer", "largest entry", "RMS"}, {}};
  for (const models::LayerRange& layer : run.layers) {
    table.rows.push_back({layer.name, number(layer.largest, Round::up), number(layer.rms)});
  }
  return table;
}

Table weight_table(const RunReport& run) {
  Table table{{"weight", "head", "sigma, l2 -> l2", "stable rank", "cap", "cap held"}, {}};
  for (const certify::WeightBound& w : run.certificate->weights) {
    const auto cap = run.caps.find(w.path);
    const bool capped = cap != run.caps.end() && std::isfinite(cap->second);
    const std::string held = !capped                  ? ""
                             : w.upper <= cap->second ? "yes"
                             : w.lower > cap->second  ? "no"
                                                      : "not proved";
    table.rows.push_back(
        {w.path, std::to_string(w.block),
         fmt::format("[{}, {}]", number(w.lower, Round::down, 6), number(w.upper, Round::up, 6)),
         stable_rank(run, w), capped ? number(cap->second, Round::nearest, 6) : "none", held});
  }
  return table;
}

Table facts_table(const Comparison& comparison, bool differing) {
  std::set<std::string> keys;
  for (const RunReport& run : comparison.runs) {
    for (const auto& [key, value] : run.facts) keys.insert(key);
  }
  Table table = by_run(comparison);
  if (!differing) table.header = {"", "all runs"};
  for (const std::string& key : keys) {
    std::set<std::string> seen;
    for (const RunReport& run : comparison.runs) seen.insert(fact(run, key));
    if ((seen.size() > 1) != differing) continue;
    if (differing) {
      add_row(table, comparison, key, [&](size_t run) { return fact(comparison.runs[run], key); });
    } else {
      table.rows.push_back({key, *seen.begin()});
    }
  }
  return table;
}

Table contradiction_table(const Comparison& comparison, size_t most) {
  Table table{{"run", "threat", "example", "position", "attack radius", "certified radius"}, {}};
  for (size_t threat = 0; threat < comparison.threats.size(); ++threat) {
    for (size_t run = 0; run < comparison.runs.size(); ++run) {
      for (const auto& c : comparison.results[threat][run].checked.contradictions) {
        if (table.rows.size() == most) return table;
        table.rows.push_back({comparison.runs[run].name,
                              models::describe(comparison.threats[threat]),
                              std::to_string(c.example), std::to_string(c.position),
                              exact(c.attack_radius), exact(c.certified_radius)});
      }
    }
  }
  return table;
}

}  // namespace taut::report
