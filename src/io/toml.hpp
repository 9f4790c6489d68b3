#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

// The one place that parses TOML.
namespace taut::io {

using Tree = nlohmann::ordered_json;

// Tables, lists, texts, numbers and truths; keys in alphabetical order. Error names the line, and
// refuses dates, times and documents of more than 16 MiB.
Tree tree_from_toml(const std::string& text);

// The same of a file, whose path stands before the text of an Error.
Tree read_toml(const std::filesystem::path& path);

}  // namespace taut::io
