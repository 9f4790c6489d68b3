#include "src/io/draft.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "src/core/core.hpp"
#include "src/io/descriptor.hpp"

namespace fs = std::filesystem;

namespace taut::io {
namespace {

constexpr std::string_view kMark = ".draft-";

fs::path draft_path(const fs::path& target) {
  return folder_of(target) / fmt::format(".{}{}{}", target.filename().string(), kMark, ::getpid());
}

// The process that a temporary file belongs to; 0 for any other file.
pid_t writer_of(const std::string& name) {
  const size_t at = name.rfind(kMark);
  if (name.empty() || name.front() != '.' || at == std::string::npos) return 0;
  const char* const end = name.data() + name.size();
  pid_t pid = 0;
  const auto [stop, code] = std::from_chars(name.data() + at + kMark.size(), end, pid);
  return code == std::errc{} && stop == end && pid > 0 ? pid : 0;
}

// Process numbers repeat from container to container: a file of our own number is an older one's.
bool gone(pid_t pid) { return pid == ::getpid() || (::kill(pid, 0) != 0 && errno == ESRCH); }

void rename_over(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  require(!error, "cannot write {}: {}", to.string(), error.message());
  sync_folder(folder_of(to));
}

}  // namespace

void remove_stale_drafts(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    const pid_t pid = writer_of(i->path().filename().string());
    std::error_code ignored;  // a file that cannot be removed is litter, not a failure
    if (pid != 0 && gone(pid)) fs::remove(i->path(), ignored);
  }
}

Draft::Draft(fs::path target) : target_(std::move(target)), path_(draft_path(target_)) {
  remove_stale_drafts(folder_of(target_));
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  require(fd >= 0, "cannot write {}: {}", target_.string(), std::strerror(errno));
  ::close(fd);
}

Draft::~Draft() {
  // After publish() the name is free, except where both names were links to one file: then rename
  // does nothing and leaves it.
  std::error_code ignored;
  fs::remove(path_, ignored);
}

void Draft::publish() {
  Descriptor(path_, O_RDWR).sync();
  rename_over(path_, target_);
}

void publish_as(const fs::path& existing, const fs::path& target) {
  Draft draft(target);
  std::error_code error;
  fs::remove(draft.path(), error);
  fs::create_hard_link(existing, draft.path(), error);
  if (error) fs::copy_file(existing, draft.path(), error);
  require(!error, "cannot write {}: {}", target.string(), error.message());
  draft.publish();
}

}  // namespace taut::io
