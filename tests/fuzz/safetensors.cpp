#include <ATen/ATen.h>

#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/io/safetensors_shards.hpp"
#include "tests/fuzz/target.hpp"

// A safetensors file, the model in its metadata, and the same bytes as the index of a sharded one.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taut;
  const std::string_view bytes = fuzz::text_of(data, size);
  try {
    const io::TensorFile file = io::parse_safetensors(bytes, "input");
    for (const auto& [name, tensor] : file.tensors) tensor.clone();
    io::weights_of(file, "input");
  } catch (const Error&) {
  }
  try {
    io::parse_index(bytes);
  } catch (const Error&) {
  }
  return 0;
}
