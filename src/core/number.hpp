#pragma once

#include <string>

// Numbers as a reader sees them.
namespace taut {

// A shown bound must not claim more than the stored one: proved lower bounds are rounded down,
// upper bounds up.
enum class Round { nearest, down, up };

// `digits` significant decimals: "0.1234", "1.5e-07"; "inf", "nan".
std::string number(double value, Round round = Round::nearest, int digits = 4);

// Shortest text that reads back as the same double; "inf", "nan".
std::string exact(double value);

}  // namespace taut
