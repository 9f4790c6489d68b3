#include <ATen/ATen.h>

#include "src/core/core.hpp"
#include "src/data/readers.hpp"

namespace taut::data {
namespace {

constexpr int64_t kPixels = 3 * 32 * 32, kRecord = 1 + kPixels, kClasses = 10;

// Adds the fingerprints of the files to `source`.
Split read_batches(const std::filesystem::path& folder, const std::vector<std::string>& names,
                   std::vector<std::string>& source) {
  std::vector<at::Tensor> values, labels;
  for (const std::string& name : names) {
    File file = read_file(folder / name);
    const auto bytes = static_cast<int64_t>(file.bytes.size());
    require(bytes > 0 && bytes % kRecord == 0, "{}: expected records of {} bytes, got {} bytes",
            file.path, kRecord, bytes);
    const at::Tensor records =
        at::from_blob(file.bytes.data(), {bytes / kRecord, kRecord}, at::kByte);
    labels.push_back(records.select(1, 0).to(at::kLong));
    const auto worst = labels.back().max().item<int64_t>();
    require(worst < kClasses, "{}: expected labels of 0..{}, got {}", file.path, kClasses - 1,
            worst);
    // A copy always: the pixels of a single record are contiguous and would stay a view of the
    // file.
    values.push_back(records.narrow(1, 1, kPixels).clone(at::MemoryFormat::Contiguous));
    source.push_back(fingerprint(file));
  }
  return {at::cat(values).view({-1, 3, 32, 32}), at::cat(labels)};
}

}  // namespace

Dataset read_cifar10(const std::filesystem::path& folder) {
  std::vector<std::string> source;
  Dataset dataset;
  dataset.input = {.channels = 3, .height = 32, .width = 32};
  dataset.classes = kClasses;
  dataset.train = read_batches(folder,
                               {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                "data_batch_4.bin", "data_batch_5.bin"},
                               source);
  dataset.validation = read_batches(folder, {"test_batch.bin"}, source);
  dataset.source = folder.string() + ": " + join(source, ", ");
  return dataset;
}

}  // namespace taut::data
