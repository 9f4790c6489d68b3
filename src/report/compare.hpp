#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attacks/attack.hpp"
#include "attacks/check.hpp"
#include "certify/certificate.hpp"
#include "models/activations.hpp"

// The figures of a report: what several runs reach under each threat.
namespace taut::report {

// What is known of one run; the caller has loaded it. What is absent is reported as not measured.
struct RunReport {
  std::string name;
  // Git revision, seed, device, ...; a value of several lines is taken for TOML and told key by
  // key.
  std::map<std::string, std::string> facts;
  int64_t parameters = 0;
  std::optional<double> train_seconds, ms_per_step;
  std::vector<models::LayerRange> layers;  // of every layer's output; empty: not measured
  std::map<std::string, std::vector<double>> frobenius;  // norms of a weight's matrices, by path
  int64_t tokens = 0, width = 0;                         // of the embedded input; 0 for pixels
  // Largest sigma (l2 -> l2, not RMS -> RMS) that the constraint allows, by path of the weight; per
  // head where the weight is.
  std::map<std::string, double> caps;
  std::optional<certify::Certificate> certificate;
  std::vector<attacks::AttackResult> attacks;  // any number for one threat: the worst case counts
};

// Largest |entry| of any layer's output; none where it was not measured.
std::optional<double> largest_activation(const RunReport& run);

// Radii of the rows that a certificate or an attack covers, in the threat's norm.
struct Radii {
  int64_t rows = 0;
  std::vector<double> correct;  // of the rows whose clean prediction is right, ascending; NaN is 0
};

struct Share {
  int64_t count = 0, rows = 0;
  double value() const { return rows > 0 ? static_cast<double>(count) / rows : 0; }
};

Share clean(const Radii& radii);

// Rows with a radius strictly above eps: of a certificate those that are proved at eps (the proof
// is for perturbations strictly below the radius), of an attack those not broken at any size <=
// eps.
Share robust(const Radii& radii, double eps);

// Lower median over the rows whose clean prediction is right; none without such rows.
std::optional<double> median(const Radii& radii);

// A row that certificate and attack both saw and both predicted rightly. `certified` is the radius
// that the attack may not enter: real arithmetic where fp64 confirms it, else the fp32 program's.
struct Pair {
  double certified = 0, attacked = 0;
};

// One run under one threat.
struct ThreatResult {
  std::optional<double> constant, log10_constant, logit_constant;  // as in ThreatCertificate
  // Where certificate and attack share rows, of those rows alone: what stands side by side is about
  // the same. deployed: the fp32 program.
  std::optional<Radii> certified, deployed, attacked;
  std::optional<Radii> certified_all;  // of every certified row, where those are more
  int64_t certified_rows = 0, attacked_rows = 0, shared_rows = 0;
  std::vector<Pair> pairs;
  attacks::CheckedRows checked;
  // The eps whose RMS per entry is that of the embedding table: sqrt(width) RMS for a token norm,
  // sqrt(tokens width) RMS for a whole sequence. 0: pixels, or not known.
  double unit = 0;
};

// Largest certified / attack radius over the pairs with a finite attack radius: at most 1 unless a
// certificate is wrong. None without such pairs.
std::optional<double> largest_ratio(const ThreatResult& result);

struct Comparison {
  std::vector<RunReport> runs;
  std::vector<models::Threat> threats;             // of all runs, in order of appearance
  std::vector<std::vector<ThreatResult>> results;  // [threat][run]
  std::vector<Share> clean;  // [run] right predictions of its certificate's rows, else its attacks'
  std::vector<std::string> notes;  // what makes figures of different runs hard to compare
};

// Error without runs, on tensors whose rows do not agree, and when a certificate and an attack of
// one run give the same row different labels.
Comparison compare(std::vector<RunReport> runs);

// Successful attacks that were compared, and those inside a certified radius, over all runs and
// threats.
attacks::CheckedRows checked(const Comparison& comparison);

// "attacks inside a certified radius: 0 of 128"
std::string check_line(const attacks::CheckedRows& checked);

}  // namespace taut::report
