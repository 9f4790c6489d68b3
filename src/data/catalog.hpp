#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace taut::data {

// A data set that lies in files. `shared` and `cached` are folders: inside TAUT_DATA, and inside
// the cache's data folder.
struct Known {
  std::string name, kind, shared, cached;
  std::vector<std::string> files;
  bool fetched = false;  // whether fetch() can get it
};

const std::vector<Known>& known_sets();
const Known* find_known(const std::string& name);  // null: none of that name
std::vector<std::string> all_names();              // those made in memory and text:PATH too

std::filesystem::path cached_folder(const Known& known);

// The first of TAUT_DATA and the cache that has all files (plain or .gz). Error: names the missing
// files and says how to get them.
std::filesystem::path find_folder(const Known& known);

}  // namespace taut::data
