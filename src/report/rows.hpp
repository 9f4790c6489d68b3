#pragma once

#include <map>
#include <string>
#include <utility>

#include "src/report/compare.hpp"

// Certificates and attacks row by row, so that rows of both can be matched.
namespace taut::report {

using Key = std::pair<int64_t, int64_t>;  // example, position

// One row as a certificate or an attack saw it.
struct Seen {
  int64_t label = 0;
  bool right = false;    // the clean prediction
  double radius = 0;     // real arithmetic, or what fooled the fp32 program
  double deployed = 0;   // certified of the fp32 program
  double confirmed = 0;  // what fooled fp64 too
};
using Rows = std::map<Key, Seen>;

// The rows of a certificate, with the radii of one threat; without: zero radii. Error on tensors
// whose rows do not agree.
Rows certified_rows(const RunReport& run, const certify::ThreatCertificate* threat);

// Adds an attack: the worst case of all, row by row.
void merge_attack(Rows& into, const attacks::AttackResult& attack, const std::string& run);

// A NaN is no radius at all: 0, the worst.
double known(double radius);

Radii radii_of(const Rows& rows, double Seen::*field);

bool same_rows(const Rows& a, const Rows& b);  // keys and labels

}  // namespace taut::report
