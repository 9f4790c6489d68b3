#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace taut::data {

struct File {
  std::string path;
  std::string bytes;   // unpacked where the file is gzip
  std::string sha256;  // of the file as it lies on disk
};

// Reads a whole file, once. Error: missing, not a file, unreadable, empty, damaged gzip.
File read_file(const std::filesystem::path& path);

// `path`, or `path`.gz where only that exists.
std::filesystem::path plain_or_packed(const std::filesystem::path& path);

// Calls `take` with every line that is not empty, without its end, and its number from 1. An Error
// from it is told with file and line.
void for_each_line(const File& file,
                   const std::function<void(std::string_view line, int64_t number)>& take);

// "NAME sha256 HEX"
std::string fingerprint(const File& file);

// A folder that is removed with its contents when the object goes.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::filesystem::path& parent);  // made if missing
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::filesystem::path make(const std::string& name) const;  // a new folder inside
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace taut::data
