#pragma once

#include <filesystem>
#include <string>

#include "models/description.hpp"

// A model described layer by layer, as TOML for people and as JSON inside a safetensors file.
namespace taut::io {

struct ModelFile {
  models::Description description;
  std::string weights;  // the file that holds the tensors, as seen from this one; "" where not said
};

std::string to_toml(const ModelFile& model);

// Throws Error that names `source` and what is wrong: no TOML, unknown keys and kinds, values of
// another type.
ModelFile model_from_toml(const std::string& text, const std::string& source);
ModelFile read_model(const std::filesystem::path& path);

}  // namespace taut::io
