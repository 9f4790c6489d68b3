#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>

// What the text of an option may say, looked at before CLI11 converts it: by itself that takes 010
// for 8 and -1 for 2^64 - 1, and says a range by its 310 digits.
namespace taut::cli {

// Decimal digits, no sign but that of a number below zero, no leading zero.
CLI::Validator whole_number(int64_t least, int64_t most);
CLI::Validator count(int64_t least);  // up to 2^31 - 1

// No larger than train::kMostNumber, which is left to fp32.
CLI::Validator at_least(double least);
CLI::Validator above(double least);

CLI::Validator share();     // [0, 1)
CLI::Validator fraction();  // (0, 1)
CLI::Validator truth();     // true or false

}  // namespace taut::cli
