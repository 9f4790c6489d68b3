#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/core/number.hpp"

// Numbers and names as a reader sees them.
namespace taut::report {

using taut::exact;
using taut::number;
using taut::Round;

// "93.4 %" of count / rows, rounded on the integers; "no rows".
std::string percent(int64_t count, int64_t rows, Round round = Round::nearest);

std::string grouped(int64_t value);  // "1,024,000"

// Names of runs come from users. Control characters become spaces in all of these.
std::string html_text(std::string_view text);
std::string markdown_text(std::string_view text);
std::string plain_text(std::string_view text);
std::string csv_field(std::string_view text);  // RFC 4180; keeps line breaks
// Inside single quotes of a gnuplot script. < and > become look-alikes, so that markup cannot
// survive whatever a version of gnuplot does to a title.
std::string gnuplot_text(std::string_view text);

size_t columns(std::string_view utf8);  // code points
// The last `longest` code points, after an ellipsis when there are more: paths differ at their end.
std::string shortened(std::string_view utf8, size_t longest);

}  // namespace taut::report
