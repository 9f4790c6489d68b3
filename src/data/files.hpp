#pragma once

#include <filesystem>
#include <string>

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
