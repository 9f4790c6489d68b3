#include "src/io/draft.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "src/core/core.hpp"

namespace fs = std::filesystem;

namespace taut::io {
namespace {

constexpr std::string_view kMark = ".draft-";

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

// A temporary name beside `target`, after what bore it has gone.
fs::path free_name(const fs::path& target) {
  const fs::path folder = folder_of(target);
  remove_stale_drafts(folder);
  return folder / fmt::format(".{}{}{}", target.filename().string(), kMark, ::getpid());
}

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

Temporary::~Temporary() {
  // After a rename the name is free, except where both names were links to one file: then rename
  // does nothing and leaves it.
  std::error_code ignored;
  fs::remove(path, ignored);
}

Draft::Draft(fs::path target)
    : target_(std::move(target)),
      temporary_(free_name(target_)),
      file_(temporary_.path, O_WRONLY | O_CREAT | O_TRUNC, target_) {}

void Draft::write(std::string_view bytes) { file_.write(bytes); }

void Draft::publish() {
  file_.sync();
  rename_over(temporary_.path, target_);
}

void publish_as(const fs::path& existing, const fs::path& target) {
  std::error_code error;
  {
    const Temporary link(free_name(target));
    fs::create_hard_link(existing, link.path, error);
    if (!error) return rename_over(link.path, target);
  }
  Draft copy(target);
  Descriptor(existing, O_RDONLY).read(0, [&](std::string_view bytes) { copy.write(bytes); });
  copy.publish();
}

}  // namespace taut::io
