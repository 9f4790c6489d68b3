#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// The JSON header of a safetensors file. Private to this folder.
namespace taut::io {

struct HeaderEntry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape;
  int64_t begin = 0, end = 0;  // bytes, from the end of the header
};

struct Header {
  std::map<std::string, std::string> metadata;
  std::vector<HeaderEntry> tensors;  // in the order of their data
};

inline constexpr int64_t kLengthBytes = 8;
inline constexpr int64_t kMaxHeaderBytes = int64_t{1} << 24;
inline constexpr const char* kMetadata = "__metadata__";

// Throws Error unless `json` is an object of tensors {dtype, shape, data_offsets} and, at most, one
// of texts, without a second key of one name, without other keys, in UTF-8; and the tensors fill
// `data_bytes` without gap or overlap, each as long as its shape and type say. Memory is taken in
// proportion to `json` only.
Header parse_header(std::string_view json, int64_t data_bytes);

// Gives every tensor its place (begin, end), in the order of the reference implementation: widest
// types first, then by name.
void arrange(Header& header);

// The header as JSON, padded with spaces to a multiple of eight.
std::string header_text(const Header& header);

// Throws Error unless a tensor can have this name: 1 to 1000 bytes of UTF-8 without control
// characters.
void check_tensor_name(const std::string& name);

}  // namespace taut::io
