#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "src/cli/options.hpp"
#include "src/io/io.hpp"
#include "src/train/train.hpp"

namespace taut::cli {

// A trained network opened for certify, attack, compare or inspect: a run, or a file of weights.
struct OpenRun {
  std::filesystem::path folder;  // of the run; of the results where the network is a file
  std::string name;
  io::Checkpoint checkpoint;    // weights narrower than fp32 widened, which is exact
  train::TrainOptions options;  // of its training; without a data set where nobody trained it here
  std::string weights;          // which: "best, step 600, crc32 ...", "net.safetensors, crc32 ..."
  std::string model;            // of a file: the model, in TOML, with the way back to the weights
};

// `path` is a run directory, a safetensors file (or the index of a sharded one), or the folder of
// results of one. `data` tells the shape of images that an mlp flattens.
OpenRun open_run(const std::filesystem::path& path, const std::string& which,
                 const WeightsOptions& weights, const std::string& data);

// The checkpoint as it is stored: for `convert`.
io::Checkpoint load_checkpoint(const std::filesystem::path& path, const std::string& which,
                               const WeightsOptions& weights, const std::string& data);

// Whether a result is about the network that was opened; says when it is not. `what` names it.
bool about(const OpenRun& run, const std::map<std::string, std::string>& provenance,
           const std::string& what);

// The certificate beside the network that was opened; none where there is none, or one that is not
// about it.
std::optional<certify::Certificate> certificate_of(const OpenRun& run);

// Whether two results are about the same examples; says when they are not.
bool same_data(const std::map<std::string, std::string>& certificate,
               const std::map<std::string, std::string>& attack, const std::string& what);

// Makes the folder of results and puts the model there, so that the folder can be opened again.
void prepare_results(const OpenRun& run);

// The training options in a configuration text.
train::TrainOptions train_options(const std::string& config, const std::string& source);

}  // namespace taut::cli
