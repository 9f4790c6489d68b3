#pragma once

#include <filesystem>
#include <string>

// Files that appear whole or not at all.
namespace taut::io {

// A file under construction beside `target`. publish() syncs it and renames it over the target: a
// reader, and whoever looks after a crash, finds the old file or the new one. A process makes one
// draft in a folder at a time; drafts that dead processes left there are removed by the next.
class Draft {
 public:
  // Creates the empty temporary file; Error when the folder cannot be written.
  explicit Draft(std::filesystem::path target);
  ~Draft();  // removes it unless it was published
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& target() const { return target_; }
  void publish();

 private:
  std::filesystem::path target_, path_;
};

// Removes temporary files in `folder` whose writers are gone.
void remove_stale_drafts(const std::filesystem::path& folder);

// Gives the published file `existing` a second name, atomically: a hard link, or a copy where the
// file system has none.
void publish_as(const std::filesystem::path& existing, const std::filesystem::path& target);

}  // namespace taut::io
