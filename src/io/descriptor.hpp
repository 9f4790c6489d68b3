#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

// The few POSIX calls that durable files need.
namespace taut::io {

// An open file descriptor. Failed calls are Errors that name the file and the reason.
class Descriptor {
 public:
  // Flags as of open(2). Error for a folder.
  Descriptor(const std::filesystem::path& path, int flags);
  // The same; errors name the file `shown`.
  Descriptor(const std::filesystem::path& path, int flags, const std::filesystem::path& shown);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return fd_; }
  int64_t size() const;
  bool regular() const;
  // Calls `use` with the bytes from `offset` to the end, piece by piece.
  void read(int64_t offset, const std::function<void(std::string_view)>& use) const;
  std::string head(int64_t bytes) const;  // the first ones, fewer in a shorter file
  void write(std::string_view bytes);     // all of them, at the current position
  void truncate(int64_t size);
  void sync();

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

// Makes renames in `folder` durable.
void sync_folder(const std::filesystem::path& folder);

// The folder of a path; "." for a bare name.
std::filesystem::path folder_of(const std::filesystem::path& path);

}  // namespace taut::io
