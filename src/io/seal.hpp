#pragma once

#include <filesystem>
#include <string>
#include <string_view>

// A file of ours starts with a seal, a line of text with the length and CRC-32 of the rest, in the
// user block that HDF5 readers skip. It is there because a flipped bit in a weight changes a
// certificate silently and one in the metadata can crash the HDF5 library; it is no signature.
namespace taut::io {

inline constexpr int64_t kSealBytes = 512;  // the smallest user block

// The seal of a file that goes on with `rest`.
std::string seal_of(std::string_view rest);

// Error that names the file when it is cut off or does not match its seal. A file without a seal,
// say one that another program wrote, passes. Error as well for a missing or empty file and for a
// folder.
void check_seal(const std::filesystem::path& path);

}  // namespace taut::io
