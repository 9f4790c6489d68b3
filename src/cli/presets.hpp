#pragma once

#include <map>
#include <string>

namespace taut::cli {

// Name and TOML text of every file in models/presets, as it was when the program was built.
const std::map<std::string, std::string>& presets();

}  // namespace taut::cli
