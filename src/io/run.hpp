#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "src/io/checkpoint.hpp"

// A run directory:
//   run.json  metrics.jsonl  checkpoint.h5 (newest)  checkpoint-best.h5  checkpoint-<step>.h5 (last
//   k) certificate.h5  attack.h5
namespace taut::io {

// Makes the folder (and its parents). Error when it cannot be written in, or already holds a run,
// unless `force`.
void require_room(const std::filesystem::path& folder, bool force);

// The same, and with `force` the files of the old run that are named above are removed.
void create_run(const std::filesystem::path& folder, bool force);

// Error with a hint unless the folder holds a checkpoint.
void require_run(const std::filesystem::path& folder);

// Saves checkpoint-<step>.h5, points checkpoint.h5 at it (atomically), removes older numbered ones
// beyond the last `keep`; with `best` also refreshes checkpoint-best.h5.
void save_run_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint,
                         int keep, bool best);

// The newest checkpoint ("last") or the best one ("best").
Checkpoint load_run_checkpoint(const std::filesystem::path& folder, const std::string& which);

// One JSON object per line. truncate_metrics drops lines of steps after `step` (a resumed run
// repeats them) and a last line that was cut off.
void append_metrics(const std::filesystem::path& folder, const std::string& json_line);
void truncate_metrics(const std::filesystem::path& folder, int64_t step);

// Text written whole or not at all: temporary name, fsync, rename.
void write_atomically(const std::filesystem::path& path, const std::string& text);
std::string read_text(const std::filesystem::path& path);

}  // namespace taut::io
