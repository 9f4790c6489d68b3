#pragma once

#include <cstring>
#include <string>

#include "src/io/safetensors.hpp"
#include "tests/support.hpp"

// safetensors files made by hand.
namespace taut::test {

inline std::string framed(const std::string& header, const std::string& data = "") {
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

// "t":{"dtype":...}
inline std::string item(const std::string& name, const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":{}}})", name, dtype, shape,
                     offsets);
}

inline std::string error_of_parsing(const std::string& bytes) {
  return error_of([&] { io::parse_safetensors(bytes, "x.safetensors"); });
}

}  // namespace taut::test
