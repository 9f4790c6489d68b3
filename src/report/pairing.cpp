#include "src/report/pairing.hpp"

#include <algorithm>
#include <cmath>

#include "src/core/core.hpp"

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

std::string row_note(const ThreatResult& r) {
  if (r.certified_rows == 0 || r.attacked_rows == 0) return "";
  if (r.shared_rows == 0) {
    return "certificate and attack share no row; their figures are about different rows.";
  }
  if (r.shared_rows == r.attacked_rows) return "";
  return fmt::format("{} of {} attacked rows have no certificate and are not counted.",
                     r.attacked_rows - r.shared_rows, r.attacked_rows);
}

}  // namespace

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
    // A clean input that is misread is inside every promise about it.
    const bool broken = proof.deployed > 0 || attack.confirmed == 0;
    if (proof.right && (attack.right || broken)) pairs.push_back(pair_of(proof, attack));
  }
  return pairs;
}

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

void add_row_notes(std::vector<std::string>& notes, const std::string& threat,
                   const std::vector<RunReport>& runs, const std::vector<ThreatResult>& results) {
  int64_t before = 0;
  for (size_t run = 0; run < runs.size(); ++run) {
    const auto add = [&](const std::string& text) {
      if (!text.empty()) notes.push_back(fmt::format("{}, {}: {}", runs[run].name, threat, text));
    };
    const int64_t shared = results[run].shared_rows;
    add(row_note(results[run]));
    if (before > 0 && shared > 0 && shared != before) {
      add(fmt::format("its figures are over {} rows, those of a run before it over {}.", shared,
                      before));
    }
    if (shared > 0) before = shared;
  }
}

}  // namespace taut::report
