#pragma once

#include <string>
#include <vector>

#include "src/cli/rows.hpp"

namespace taut::cli {

// How a network fares in one arithmetic, beside fp32 on the same rows.
struct Fp8Row {
  std::string arithmetic;
  bool bounded = true;               // false: a range is not finite, nothing was evaluated
  double accuracy = 0, changed = 0;  // shares: right predictions; predictions that fp32 has not
  double error = 0, relative = 0;    // largest of a logit; over the largest fp32 logit
};

// fp32, then e4m3 (models/fp8.hpp): weights alone, and with the output of every layer rounded by
// its certified range (no data needed: no token of a clean input is longer) or by the range
// observed on these very examples. Inside attention nothing is rounded.
std::vector<Fp8Row> fp8_rows(const models::Network& network, const Examples& examples);

std::string fp8_text(const std::vector<Fp8Row>& rows);
std::string fp8_json(const std::vector<Fp8Row>& rows);

}  // namespace taut::cli
