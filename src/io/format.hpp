#pragma once

#include <functional>
#include <map>
#include <string>

#include "src/io/hdf5.hpp"

// Private to this folder: what its HDF5 formats have in common.
namespace taut::io {

inline constexpr int64_t kFormatVersion = 1;

// Root attributes "format" and "version".
void write_format(Group& root, const std::string& format);
void require_format(const Group& root, const std::string& format);

// Strings by name, as the attributes of one group.
void write_strings(Group& parent, const std::string& name,
                   const std::map<std::string, std::string>& values);
std::map<std::string, std::string> read_strings(const Group& parent, const std::string& name);

// Runs `work` and puts `where` before the text of an Error.
void explain(const std::string& where, const std::function<void()>& work);

}  // namespace taut::io
