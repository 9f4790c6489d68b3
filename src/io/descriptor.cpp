#include "src/io/descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "src/core/core.hpp"

namespace taut::io {
namespace {

constexpr size_t kPiece = size_t{1} << 20;

[[noreturn]] void fail_errno(const char* what, const std::filesystem::path& path) {
  const int code = errno;
  fail("cannot {} {}: {}", what, path.string(), std::strerror(code));
}

struct stat status_of(int fd, const std::filesystem::path& path) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) fail_errno("look at", path);
  return status;
}

}  // namespace

Descriptor::Descriptor(const std::filesystem::path& path, int flags)
    : Descriptor(path, flags, path) {}

Descriptor::Descriptor(const std::filesystem::path& path, int flags,
                       const std::filesystem::path& shown)
    : path_(shown) {
  const bool writes = (flags & (O_WRONLY | O_RDWR)) != 0;
  fd_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (fd_ < 0) fail_errno(writes ? "write" : "open", path_);
  if (S_ISDIR(status_of(fd_, path_).st_mode)) {
    ::close(fd_);
    fail("cannot open {}: it is a folder, expected a file", path_.string());
  }
}

Descriptor::~Descriptor() { ::close(fd_); }

int64_t Descriptor::size() const { return status_of(fd_, path_).st_size; }

bool Descriptor::regular() const { return S_ISREG(status_of(fd_, path_).st_mode); }

void Descriptor::read(int64_t offset, const std::function<void(std::string_view)>& use) const {
  if (offset != 0 && ::lseek(fd_, offset, SEEK_SET) < 0) fail_errno("read", path_);
  std::string piece(kPiece, '\0');
  while (true) {
    const ssize_t count = ::read(fd_, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("read", path_);
    if (count == 0) return;
    use(std::string_view(piece.data(), static_cast<size_t>(count)));
  }
}

std::string Descriptor::head(int64_t bytes) const {
  std::string text(static_cast<size_t>(bytes), '\0');
  const ssize_t count = ::pread(fd_, text.data(), text.size(), 0);
  if (count < 0) fail_errno("read", path_);
  text.resize(static_cast<size_t>(count));
  return text;
}

void Descriptor::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("write", path_);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void Descriptor::truncate(int64_t size) {
  if (::ftruncate(fd_, size) != 0) fail_errno("shorten", path_);
}

void Descriptor::sync() {
  if (::fsync(fd_) != 0) fail_errno("write", path_);
}

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail_errno("open", folder);
  // Some network file systems refuse to sync a folder; the rename has happened all the same.
  ::fsync(fd);
  ::close(fd);
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace taut::io
