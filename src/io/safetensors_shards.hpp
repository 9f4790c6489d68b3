#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// The index of a sharded model. Private to this folder.
namespace taut::io {

using Shards =
    std::map<std::string, std::vector<std::string>>;  // file beside the index: its tensors

bool is_index(const std::filesystem::path& path);

// Throws Error unless the file is JSON with a weight_map from distinct tensor names to plain names
// of files.
Shards read_index(const std::filesystem::path& path);
Shards parse_index(std::string_view json);

}  // namespace taut::io
