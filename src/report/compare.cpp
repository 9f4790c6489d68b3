#include "src/report/compare.hpp"

#include <algorithm>
#include <cmath>

#include "src/core/core.hpp"
#include "src/report/facts.hpp"
#include "src/report/rows.hpp"

namespace taut::report {
namespace {

// Of the two promises, real arithmetic against what fp64 confirms and the fp32 program against what
// fools it, the one that came closer to being broken; as attacks::check has it.
Pair pair_of(const Seen& proof, const Seen& attack) {
  const double deployed = known(proof.deployed), real = std::max(known(proof.radius), deployed);
  const Pair exact{real, attack.confirmed}, program{deployed, attack.radius};
  return exact.certified * program.attacked >= program.certified * exact.attacked ||
                 std::isinf(program.attacked)
             ? exact
             : program;
}

std::vector<Pair> pairs_of(const Rows& certified, const Rows& attacked, const std::string& run) {
  std::vector<Pair> pairs;
  for (const auto& [key, attack] : attacked) {
    const auto found = certified.find(key);
    if (found == certified.end()) continue;
    const Seen& proof = found->second;
    require(proof.label == attack.label,
            "run '{}': certificate and attack were made from different data (example {}, position "
            "{}: labels {} and {}); make them again from the same",
            run, key.first, key.second, proof.label, attack.label);
    if (proof.right && attack.right) pairs.push_back(pair_of(proof, attack));
  }
  return pairs;
}

// The rows of `rows` that are in `with` too; right only where both say so.
Rows shared(const Rows& rows, const Rows& with) {
  Rows both;
  for (const auto& [key, seen] : rows) {
    const auto found = with.find(key);
    if (found == with.end()) continue;
    Seen& kept = both[key] = seen;
    kept.right = seen.right && found->second.right;
  }
  return both;
}

// The radii of what was certified and attacked, on common rows where there are any.
void set_radii(ThreatResult& result, const Rows& certified, const Rows& attacked) {
  const Rows common = shared(certified, attacked);
  result.certified_rows = static_cast<int64_t>(certified.size());
  result.attacked_rows = static_cast<int64_t>(attacked.size());
  result.shared_rows = static_cast<int64_t>(common.size());
  const bool paired = !common.empty();
  if (!certified.empty()) {
    const Rows& rows = paired ? common : certified;
    result.certified = radii_of(rows, &Seen::radius);
    result.deployed = radii_of(rows, &Seen::deployed);
    if (rows.size() < certified.size()) result.certified_all = radii_of(certified, &Seen::radius);
  }
  if (!attacked.empty()) {
    result.attacked = radii_of(paired ? shared(attacked, certified) : attacked, &Seen::radius);
  }
}

// What a reader must know before setting one figure beside another.
void add_notes(std::vector<std::string>& notes, const Comparison& comparison,
               const std::vector<RunReport>& runs) {
  for (size_t threat = 0; threat < comparison.threats.size(); ++threat) {
    const std::string name = models::describe(comparison.threats[threat]);
    int64_t others = 0;
    for (size_t run = 0; run < runs.size(); ++run) {
      const ThreatResult& r = comparison.results[threat][run];
      if (r.certified_rows == 0 || r.attacked_rows == 0) continue;
      if (r.shared_rows == 0) {
        notes.push_back(
            fmt::format("{}, {}: certificate and attack share no row; their figures are "
                        "about different rows.",
                        runs[run].name, name));
      } else if (r.shared_rows < r.attacked_rows) {
        notes.push_back(
            fmt::format("{}, {}: {} of {} attacked rows have no certificate and are not "
                        "counted.",
                        runs[run].name, name, r.attacked_rows - r.shared_rows, r.attacked_rows));
      }
      if (others > 0 && r.shared_rows > 0 && r.shared_rows != others) {
        notes.push_back(
            fmt::format("{}, {}: its figures are over {} rows, those of a run before it "
                        "over {}.",
                        runs[run].name, name, r.shared_rows, others));
      }
      if (r.shared_rows > 0) others = r.shared_rows;
    }
  }
}

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
  }
  for (const attacks::AttackResult& attack : run.attacks) {
    if (!(attack.threat == threat)) continue;
    rms = std::max(rms, attack.embedding_rms);
    merge_attack(attacked, attack, run.name);
    // Without a box a certificate of the same norm covers this threat too.
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
  add_notes(comparison.notes, comparison, runs);
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
