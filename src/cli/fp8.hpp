#pragma once

#include "src/cli/rows.hpp"
#include "src/report/table.hpp"

namespace taut::cli {

// How a network fares in fp8 (models/fp8.hpp): accuracy, changed predictions and the largest error
// of a logit against fp32, with weights alone and with the output of every layer rounded by its
// certified range (no data needed: no token of a clean input is longer) or by the range observed on
// these very examples. Inside attention nothing is rounded.
report::Table fp8_table(const models::Network& network, const Examples& examples);

}  // namespace taut::cli
