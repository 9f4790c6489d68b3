#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

// The safetensors format: eight bytes with the length of a JSON header, the header, raw data.
// F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8 and BOOL; at most 8 dimensions.
namespace taut::io {

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::map<std::string, at::Tensor> tensors;  // by name
};

// Hostile input: the header is checked against the file before anything is allocated for a tensor
// (safetensors_header.hpp says how). The file is mapped, and tensors point into it, except those
// that lie at odd addresses; they keep the mapping alive, and what is written to them does not
// reach the file. `path` may be the index of a sharded model (NAME.safetensors.index.json), whose
// files lie beside it. Errors name the file.
TensorFile read_safetensors(const std::filesystem::path& path);

// Written whole or not at all, byte for byte as the Python package safetensors writes it. Error for
// names and types that reading would refuse.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);

// Whether the name is that of a safetensors file or of an index.
bool is_safetensors(const std::filesystem::path& path);

// What reading does, on bytes in memory that outlive the tensors; for tests.
TensorFile parse_safetensors(std::string_view bytes, const std::string& where);

}  // namespace taut::io
