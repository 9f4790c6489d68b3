#pragma once

#include <optional>
#include <string>
#include <string_view>

// GPT-2 writes bytes as printable characters, so that its vocabulary can be a text file: bytes 33
// to 126, 161 to 172 and 174 to 255 as the characters of these numbers, the other 68 in rising
// order as U+0100 to U+0143 (bytes_to_unicode in encoder.py of Radford et al. 2019, "Language
// Models are Unsupervised Multitask Learners").
namespace taut::data {

std::string printable(std::string_view bytes);  // UTF-8

// The bytes behind printable characters; nothing where one of them stands for no byte.
std::optional<std::string> bytes_behind(std::string_view text);

}  // namespace taut::data
