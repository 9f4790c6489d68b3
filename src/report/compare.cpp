#include "src/report/compare.hpp"

#include <algorithm>
#include <cmath>

#include "src/core/core.hpp"
#include "src/report/facts.hpp"
#include "src/report/pairing.hpp"
#include "src/report/rows.hpp"

namespace taut::report {
namespace {

double relative_unit(const RunReport& run, const models::Threat& threat, double rms) {
  if (threat.space != models::Space::embedding || !(rms > 0)) return 0;
  if (threat.norm == models::Norm::linf) return rms;
  const double entries = static_cast<double>(run.width) *
                         (threat.norm == models::Norm::l2 ? static_cast<double>(run.tokens) : 1.0);
  return rms * std::sqrt(entries);
}

const certify::ThreatCertificate* find(const RunReport& run, const models::Threat& threat) {
  if (!run.certificate) return nullptr;
  for (const certify::ThreatCertificate& c : run.certificate->threats) {
    if (c.threat == threat) return &c;
  }
  return nullptr;
}

ThreatResult result_of(const RunReport& run, const models::Threat& threat) {
  ThreatResult result;
  double rms = 0;
  Rows certified, attacked;
  if (const certify::ThreatCertificate* proof = find(run, threat)) {
    rms = run.certificate->embedding_rms;
    certified = certified_rows(run, proof);
    result.constant = proof->constant;
    result.log10_constant = proof->log10_constant;
    result.logit_constant = proof->logit_constant;
  }
  for (const attacks::AttackResult& attack : run.attacks) {
    if (!(attack.threat == threat)) continue;
    rms = std::max(rms, attack.embedding_rms);
    merge_attack(attacked, attack, run.name);
    // Certificates of other threats may cover this one too.
    if (!run.certificate) continue;
    attacks::CheckedRows rows = attacks::check(attack, *run.certificate);
    result.checked.compared += rows.compared;
    auto& all = result.checked.contradictions;
    all.insert(all.end(), rows.contradictions.begin(), rows.contradictions.end());
  }
  set_radii(result, certified, attacked);
  result.pairs = pairs_of(certified, attacked, run.name);
  result.unit = relative_unit(run, threat, rms);
  return result;
}

std::vector<models::Threat> threats_of(const std::vector<RunReport>& runs) {
  std::vector<models::Threat> threats;
  const auto add = [&](const models::Threat& threat) {
    if (std::find(threats.begin(), threats.end(), threat) == threats.end()) {
      threats.push_back(threat);
    }
  };
  for (const RunReport& run : runs) {
    if (run.certificate) {
      for (const auto& certificate : run.certificate->threats) add(certificate.threat);
    }
    for (const auto& attack : run.attacks) add(attack.threat);
  }
  return threats;
}

Rows all_rows(const RunReport& run) {
  if (run.certificate) return certified_rows(run, nullptr);
  Rows rows;
  for (const attacks::AttackResult& attack : run.attacks) merge_attack(rows, attack, run.name);
  return rows;
}

}  // namespace

std::optional<double> largest_activation(const RunReport& run) {
  if (run.layers.empty()) return std::nullopt;
  return models::largest_activation(run.layers);
}

Share clean(const Radii& radii) { return {static_cast<int64_t>(radii.correct.size()), radii.rows}; }

Share robust(const Radii& radii, double eps) {
  const auto above = std::upper_bound(radii.correct.begin(), radii.correct.end(), eps);
  return {radii.correct.end() - above, radii.rows};
}

std::optional<double> median(const Radii& radii) {
  if (radii.correct.empty()) return std::nullopt;
  return radii.correct[(radii.correct.size() - 1) / 2];
}

std::optional<double> largest_ratio(const ThreatResult& result) {
  std::optional<double> largest;
  for (const Pair& pair : result.pairs) {
    if (std::isinf(pair.attacked)) continue;
    const double ratio = pair.certified > 0 ? pair.certified / pair.attacked : 0;
    largest = std::max(largest.value_or(0), ratio);
  }
  return largest;
}

Comparison compare(std::vector<RunReport> runs) {
  require(!runs.empty(), "a comparison needs at least one run");
  Comparison comparison;
  comparison.threats = threats_of(runs);
  for (const models::Threat& threat : comparison.threats) {
    auto& results = comparison.results.emplace_back();
    for (const RunReport& run : runs) results.push_back(result_of(run, threat));
  }
  Rows first;
  std::string first_name;
  for (const RunReport& run : runs) {
    const Rows rows = all_rows(run);
    comparison.clean.push_back(clean(radii_of(rows, &Seen::radius)));
    if (rows.empty()) continue;
    if (first.empty()) {
      first = rows;
      first_name = run.name;
    } else if (!same_rows(first, rows)) {
      comparison.notes.push_back(
          fmt::format("{} was evaluated on {} rows that are not the {} rows of {}: differences "
                      "between the two may come from the data.",
                      run.name, rows.size(), first.size(), first_name));
    }
  }
  for (size_t threat = 0; threat < comparison.threats.size(); ++threat) {
    add_row_notes(comparison.notes, models::describe(comparison.threats[threat]), runs,
                  comparison.results[threat]);
  }
  for (RunReport& run : runs) run.facts = all_facts(run);
  comparison.runs = std::move(runs);
  return comparison;
}

attacks::CheckedRows checked(const Comparison& comparison) {
  attacks::CheckedRows all;
  for (const auto& results : comparison.results) {
    for (const ThreatResult& result : results) {
      all.compared += result.checked.compared;
      all.contradictions.insert(all.contradictions.end(), result.checked.contradictions.begin(),
                                result.checked.contradictions.end());
    }
  }
  return all;
}

std::string check_line(const attacks::CheckedRows& checked) {
  return fmt::format("attacks inside a certified radius: {} of {}", checked.contradictions.size(),
                     checked.compared);
}

}  // namespace taut::report
