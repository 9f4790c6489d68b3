#include "src/cli/open.hpp"
#include "src/core/core.hpp"
#include "src/io/model_file.hpp"
#include "tests/fuzz/target.hpp"

// A training configuration, and the same bytes as the description of a model.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taut;
  const std::string text(fuzz::text_of(data, size));
  try {
    cli::train_options(text, "input");
  } catch (const Error&) {
  }
  try {
    io::to_toml(io::model_from_toml(text, "input"));
  } catch (const Error&) {
  }
  return 0;
}
