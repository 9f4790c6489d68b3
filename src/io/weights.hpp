#pragma once

#include <filesystem>
#include <string>

#include "models/foreign/foreign.hpp"
#include "src/io/checkpoint.hpp"
#include "src/io/safetensors.hpp"

// Checkpoints as safetensors files. Text "taut" of the metadata is JSON with the model
// (model_tree.hpp) and the facts of its run, so that one file is enough.
namespace taut::io {

// The network and the facts of a checkpoint; the state of its training (optimizer, random numbers)
// stays behind. Names are the paths of models/walk.hpp.
void save_weights(const std::filesystem::path& path, const Checkpoint& checkpoint);

// Whether the file says itself what network it holds.
bool carries_network(const TensorFile& file);

// The checkpoint in a file that save_weights wrote, weights bit for bit. Errors name `where`; all
// tensors that are missing, left over, of another shape or not finite come in one.
Checkpoint weights_of(const TensorFile& file, const std::string& where);

// "crc32 1a2b3c4d" of all names and tensors and of the model that they are put into: another
// activation or number of heads makes another network of the same weights.
std::string fingerprint(const models::NamedTensors& tensors,
                        const models::Description& description);
std::string fingerprint(const models::Network& network);

// Sets what `options` leave open from config.json and preprocessor_config.json, which Hugging Face
// saves beside the weights. Returns the files read. Error where they ask for what no layer does.
std::vector<std::string> complete_from_neighbours(const std::filesystem::path& weights,
                                                  models::ForeignOptions& options);

}  // namespace taut::io
