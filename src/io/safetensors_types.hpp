#pragma once

#include <c10/core/ScalarType.h>

#include <string>

// The types of a safetensors file. Private to this folder.
namespace taut::io {

at::ScalarType parse_dtype(const std::string& name);  // "F32"; Error lists the known ones
const char* dtype_name(at::ScalarType dtype);         // Error for types that cannot be stored
// Place in the order in which the reference implementation lays tensors out: widest first.
size_t dtype_rank(at::ScalarType dtype);

}  // namespace taut::io
