#pragma once

#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace taut {

// The candidate with the least edit distance to `name`; empty when there are no candidates.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

// "unknown WHAT 'NAME' (nearest: 'X'; known: a, b, c)": the text of every unknown-name error.
std::string unknown_name(std::string_view what, std::string_view name,
                         const std::vector<std::string>& known);

// A non-negative size of a perturbation: "0.5", "1e-3" or a fraction such as "36/255".
// Throws Error on anything else, on NaN and on infinity.
double parse_size(std::string_view text);

std::string join(const std::vector<std::string>& parts, std::string_view separator);

// "3 x 8 x 8"; "scalar" for no dimensions.
std::string shape_text(c10::IntArrayRef sizes);

}  // namespace taut
