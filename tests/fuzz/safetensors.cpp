#include <ATen/ATen.h>

#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/io/safetensors_shards.hpp"
#include "tests/fuzz/target.hpp"

namespace {

// Touches every byte here, where the sanitizer watches; LibTorch is not compiled for it.
void read_all(const at::Tensor& tensor) {
  const auto* const bytes = static_cast<const volatile uint8_t*>(tensor.const_data_ptr());
  for (size_t i = 0; i < tensor.nbytes(); ++i) bytes[i];
}

}  // namespace

// A safetensors file, the model in its metadata, and the same bytes as the index of a sharded one.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taut;
  const std::string_view bytes = fuzz::text_of(data, size);
  try {
    const io::TensorFile file = io::parse_safetensors(bytes, "input");
    for (const auto& [name, tensor] : file.tensors) read_all(tensor);
    io::weights_of(file, "input");
  } catch (const Error&) {
  }
  try {
    io::parse_index(bytes);
  } catch (const Error&) {
  }
  return 0;
}
