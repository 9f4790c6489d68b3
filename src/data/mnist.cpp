#include <ATen/ATen.h>

#include "src/core/core.hpp"
#include "src/data/readers.hpp"

namespace taut::data {
namespace {

constexpr int64_t kClasses = 10;

uint32_t big_endian(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

// An idx file of bytes: two zeros, type 8, the number of dimensions, each of them as a big-endian
// 32-bit integer, then the values, row-major.
at::Tensor read_idx(const std::filesystem::path& path, size_t dimensions,
                    std::vector<std::string>& source) {
  File file = read_file(plain_or_packed(path));
  const std::string& bytes = file.bytes;
  const size_t header = 4 + 4 * dimensions;
  require(bytes.size() > header, "{}: expected more than {} bytes, got {}", file.path, header,
          bytes.size());
  const uint32_t magic = big_endian(bytes, 0);
  require(magic == 0x800 + dimensions, "{}: expected the magic number {:#010x}, got {:#010x}",
          file.path, 0x800 + dimensions, magic);
  const uint64_t length = bytes.size() - header;
  std::vector<int64_t> sizes;
  uint64_t expected = 1;
  for (size_t i = 0; i < dimensions; ++i) {
    sizes.push_back(big_endian(bytes, 4 + 4 * i));
    expected *= static_cast<uint64_t>(sizes.back());
    // Inside the loop, so that absurd sizes cannot overflow the product.
    require(expected > 0 && expected <= length,
            "{}: {} bytes of values do not fill sizes that start {}", file.path, length,
            shape_text(sizes));
  }
  require(expected == length, "{}: expected {} bytes of values ({}), got {}", file.path, expected,
          shape_text(sizes), length);
  source.push_back(fingerprint(file));
  return at::from_blob(file.bytes.data() + header, sizes, at::kByte).clone();
}

Split read_part(const std::filesystem::path& folder, const std::string& prefix,
                std::vector<std::string>& source) {
  const auto images_path = folder / (prefix + "-images-idx3-ubyte");
  const auto labels_path = folder / (prefix + "-labels-idx1-ubyte");
  const at::Tensor images = read_idx(images_path, 3, source);
  const at::Tensor labels = read_idx(labels_path, 1, source).to(at::kLong);
  require(images.size(0) == labels.size(0),
          "{}: expected {} labels for the images beside it, got {}", labels_path.string(),
          images.size(0), labels.size(0));
  const auto worst = labels.max().item<int64_t>();
  require(worst < kClasses, "{}: expected labels of 0..{}, got {}", labels_path.string(),
          kClasses - 1, worst);
  return {images.unsqueeze(1), labels};
}

}  // namespace

Dataset read_mnist(const std::filesystem::path& folder) {
  std::vector<std::string> source;
  Dataset dataset;
  dataset.train = read_part(folder, "train", source);
  dataset.validation = read_part(folder, "t10k", source);
  const auto train = dataset.train.values.sizes().slice(1);
  const auto validation = dataset.validation.values.sizes().slice(1);
  require(train == validation, "{}: training images are {}, validation images {}", folder.string(),
          shape_text(train), shape_text(validation));
  dataset.input = {.channels = 1, .height = train[1], .width = train[2]};
  dataset.classes = kClasses;
  dataset.source = folder.string() + ": " + join(source, ", ");
  return dataset;
}

}  // namespace taut::data
