#include <unistd.h>

#include <cstdio>

#include "src/core/core.hpp"
#include "src/io/checkpoint.hpp"
#include "src/io/seal.hpp"
#include "tests/fuzz/target.hpp"

// A checkpoint on disk as the run reader finds it. The bytes behind the seal are judged by the seal
// first, as in a run that a disk or a transfer has damaged.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taut;
  static const std::string path =
      fmt::format("{}/taut-fuzz-{}.h5", std::filesystem::temp_directory_path().string(), getpid());
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return 0;
  std::fwrite(data, 1, size, file);
  std::fclose(file);
  try {
    io::load_checkpoint(path);
  } catch (const Error&) {
  }
  std::remove(path.c_str());
  return 0;
}
