#pragma once

#include <filesystem>
#include <string_view>

#include "src/io/descriptor.hpp"

// Files that appear whole or not at all.
namespace taut::io {

// A name in use until this goes out of scope; then the file is removed.
struct Temporary {
  explicit Temporary(std::filesystem::path name) : path(std::move(name)) {}
  ~Temporary();
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  std::filesystem::path path;
};

// A file under construction beside `target`. publish() syncs it and renames it over the target: a
// reader, and whoever looks after a crash, finds the old file or the new one. A process makes one
// draft in a folder at a time; drafts that dead processes left there are removed by the next.
class Draft {
 public:
  // Creates the empty temporary file; Error when the folder cannot be written.
  explicit Draft(std::filesystem::path target);
  void write(std::string_view bytes);
  void publish();

 private:
  std::filesystem::path target_;
  Temporary temporary_;
  Descriptor file_;
};

// Removes temporary files in `folder` whose writers are gone.
void remove_stale_drafts(const std::filesystem::path& folder);

// Gives the published file `existing` a second name, atomically: a hard link, or a copy where the
// file system has none.
void publish_as(const std::filesystem::path& existing, const std::filesystem::path& target);

}  // namespace taut::io
