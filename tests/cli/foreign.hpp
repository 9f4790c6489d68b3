#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "tests/cli/forked.hpp"

// Weights that another program saved, for the tests of the command line.
namespace taut::test {

// torch.nn.Sequential(Flatten, Linear, ReLU, Linear) for images of 1 x 4 x 4 and 3 classes.
inline io::TensorFile sequential() {
  at::Generator g = make_generator(3);
  return {{},
          {{"1.weight", at::randn({8, 16}, g) * 0.3},
           {"1.bias", at::randn({8}, g) * 0.1},
           {"3.weight", at::randn({3, 8}, g) * 0.5},
           {"3.bias", at::randn({3}, g) * 0.1}}};
}

inline std::string saved(const TempFolder& folder, const io::TensorFile& file) {
  const std::filesystem::path path = folder / "net.safetensors";
  io::write_safetensors(path, file);
  return path.string();
}

inline const std::vector<std::string> kMlp = {"--model", "mlp", "--activation", "relu"};

inline Outcome call(const TempFolder& folder, std::vector<std::string> arguments,
                    const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return call(folder, arguments);
}

}  // namespace taut::test
