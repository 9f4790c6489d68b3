#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "models/models.hpp"

namespace taut::io {

// Everything that a run needs to go on, and everything that certify needs to start.
struct Checkpoint {
  models::Network network;
  std::string config;                             // complete training configuration, TOML text
  std::map<std::string, at::Tensor> optimizer;    // state by name
  at::Tensor random_state;                        // uint8, of the trainer's generator
  int64_t step = 0;                               // steps done
  int64_t cursor = 0;                             // examples consumed
  std::map<std::string, double> numbers;          // "train_seconds", "best_accuracy", ...
  std::map<std::string, std::string> provenance;  // "git_revision", "torch", "device", ...
};

// Written to a temporary name in the same folder, synced, renamed: a reader sees the old file or
// the new one. Error on a full or unwritable folder; the old file is then untouched.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

// Hostile input: shapes and sizes are checked against the file before anything is allocated;
// missing fields, another format version, unknown layer kinds, NaN in a weight are Errors that name
// the file.
Checkpoint load_checkpoint(const std::filesystem::path& path);

}  // namespace taut::io
