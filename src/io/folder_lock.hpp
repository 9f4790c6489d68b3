#pragma once

#include <filesystem>

namespace taut::io {

// A folder that this process alone works in, among those that ask: held while it lives, gone with
// the process however it ends. No file is left behind. [flock(2)]
class FolderLock {
 public:
  // Makes the folder and its parents if need be. Error when another process holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace taut::io
