#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// libFuzzer's entry: reads the bytes as a file from nowhere. Errors are answers; anything else, a
// crash or what a sanitizer sees, is a find.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace taut::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace taut::fuzz
