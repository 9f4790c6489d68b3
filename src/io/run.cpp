#include "src/io/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "src/core/core.hpp"
#include "src/io/draft.hpp"

namespace fs = std::filesystem;

namespace taut::io {
namespace {

constexpr const char* kLast = "checkpoint.h5";
constexpr const char* kBest = "checkpoint-best.h5";
constexpr const char* kFiles[] = {"run.json", "metrics.jsonl",  kLast,
                                  kBest,      "certificate.h5", "attack.h5"};

std::string numbered(int64_t step) { return fmt::format("checkpoint-{}.h5", step); }

// The step in the name of a numbered checkpoint; -1 for any other name.
int64_t step_of(const std::string& name) {
  const size_t digits = std::string("checkpoint-").size();
  int64_t step = -1;
  if (name.size() > digits) {
    std::from_chars(name.data() + digits, name.data() + name.size(), step);
  }
  return step >= 0 && name == numbered(step) ? step : -1;
}

// Steps of the numbered checkpoints in a folder, ascending.
std::vector<int64_t> steps_in(const fs::path& folder) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    const int64_t step = step_of(i->path().filename().string());
    if (step >= 0) steps.push_back(step);
  }
  require(!error, "cannot list {}: {}", folder.string(), error.message());
  std::sort(steps.begin(), steps.end());
  return steps;
}

void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  require(!error, "cannot remove {}: {}", path.string(), error.message());
}

bool present(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

std::vector<fs::path> run_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const char* name : kFiles) {
    if (present(folder / name)) files.push_back(folder / name);
  }
  for (const int64_t step : steps_in(folder)) files.push_back(folder / numbered(step));
  return files;
}

// Older than the last `keep` that end with `step`. Later ones, left by a run that went on from an
// earlier step, are not ours to judge.
void remove_older(const fs::path& folder, int64_t step, int keep) {
  std::vector<int64_t> steps = steps_in(folder);
  std::erase_if(steps, [&](int64_t s) { return s > step; });
  const size_t kept = std::min(steps.size(), static_cast<size_t>(keep));
  steps.resize(steps.size() - kept);
  for (const int64_t s : steps) remove_file(folder / numbered(s));
}

}  // namespace

void require_room(const fs::path& folder, bool force) {
  std::error_code error;
  fs::create_directories(folder, error);
  require(!error, "cannot make the folder {}: {}", folder.string(), error.message());
  const std::vector<fs::path> old = run_files(folder);
  require(
      old.empty() || force,
      "{} holds a run already ({}): resume it, choose another folder, or replace it with --force",
      folder.string(), old.empty() ? "" : old.front().filename().string());
  require(::access(folder.c_str(), W_OK) == 0, "cannot write in {}", folder.string());
}

void create_run(const fs::path& folder, bool force) {
  require_room(folder, force);
  for (const fs::path& file : run_files(folder)) remove_file(file);
  remove_stale_drafts(folder);
}

void require_run(const fs::path& folder) {
  require(fs::is_directory(folder), "{} is not a folder: expected one that taut train has written",
          folder.string());
  require(fs::is_regular_file(folder / kLast),
          "{} holds no {}: expected a folder that taut train has written", folder.string(), kLast);
}

// Every name is a link to one file. The best comes first: were the program killed between two
// names, the older of "last" and "best" would be the last, whose resumed run saves this best again.
void save_run_checkpoint(const fs::path& folder, const Checkpoint& checkpoint, int keep,
                         bool best) {
  require(keep > 0, "expected to keep at least 1 checkpoint, got {}", keep);
  const fs::path first = folder / (best ? kBest : kLast);
  save_checkpoint(first, checkpoint);
  if (best) publish_as(first, folder / kLast);
  publish_as(first, folder / numbered(checkpoint.step));
  remove_older(folder, checkpoint.step, keep);
}

Checkpoint load_run_checkpoint(const fs::path& folder, const std::string& which) {
  require(which == "last" || which == "best", "{}",
          unknown_name("checkpoint", which, {"last", "best"}));
  require_run(folder);
  const fs::path path = folder / (which == "last" ? kLast : kBest);
  require(present(path), "{} holds no {}: its training has not been evaluated yet", folder.string(),
          path.filename().string());
  return load_checkpoint(path);
}

}  // namespace taut::io
