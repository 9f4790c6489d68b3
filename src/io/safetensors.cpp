#include "src/io/safetensors.hpp"

#include <ATen/ATen.h>

#include <bit>
#include <cstring>
#include <memory>

#include "src/core/core.hpp"
#include "src/io/draft.hpp"
#include "src/io/format.hpp"
#include "src/io/mapping.hpp"
#include "src/io/safetensors_header.hpp"
#include "src/io/safetensors_shards.hpp"
#include "src/io/safetensors_types.hpp"

namespace taut::io {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian values");

constexpr const char* kSuffix = ".safetensors";

// The header, after its length has been compared with the file's.
Header header_of(std::string_view bytes) {
  require(bytes.size() >= kLengthBytes, "cut off: expected at least {} bytes, got {}", kLengthBytes,
          bytes.size());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const auto rest = static_cast<uint64_t>(bytes.size()) - kLengthBytes;
  require(length <= rest,
          "no safetensors file, or cut off: its header has {} bytes, the file {} more", length,
          rest);
  require(length <= kMaxHeaderBytes, "the header has {} bytes, more than {}", length,
          kMaxHeaderBytes);
  return parse_header(bytes.substr(kLengthBytes, length), static_cast<int64_t>(rest - length));
}

// A view of the bytes that keeps `owner` alive; a copy where they are not aligned for their type.
at::Tensor tensor_at(char* place, const HeaderEntry& entry, const std::shared_ptr<void>& owner) {
  if (entry.begin == entry.end) return at::empty(entry.shape, entry.dtype);
  // A bool that is neither 0 nor 1 is undefined behaviour, so bytes are looked at first.
  const bool boolean = entry.dtype == at::kBool;
  const at::ScalarType dtype = boolean ? at::kByte : entry.dtype;
  if (reinterpret_cast<uintptr_t>(place) % c10::elementSize(dtype) != 0) {
    const at::Tensor copy = at::empty(entry.shape, dtype);
    std::memcpy(copy.data_ptr(), place, copy.nbytes());
    return copy;
  }
  const at::Tensor view = at::from_blob(
      place, entry.shape, [owner](void*) {}, dtype);
  if (!boolean) return view;
  require(view.max().item<uint8_t>() <= 1, "{}: expected truth values, got other numbers",
          entry.name);
  return view.to(at::kBool);
}

TensorFile parse(char* begin, size_t size, const std::shared_ptr<void>& owner) {
  const std::string_view bytes(begin, size);
  Header header = header_of(bytes);
  // The header ends where the data of all its tensors begin.
  const int64_t data = header.tensors.empty() ? 0 : header.tensors.back().end;
  char* const start = begin + (static_cast<int64_t>(size) - data);
  TensorFile file;
  file.metadata = std::move(header.metadata);
  for (const HeaderEntry& entry : header.tensors) {
    file.tensors[entry.name] = tensor_at(start + entry.begin, entry, owner);
  }
  return file;
}

TensorFile read_one(const std::filesystem::path& path) {
  TensorFile file;
  explain(path.string(), [&] {
    const auto mapping = std::make_shared<Mapping>(path);
    file = parse(mapping->begin(), mapping->bytes().size(), mapping);
  });
  return file;
}

TensorFile read_shards(const std::filesystem::path& index) {
  TensorFile all;
  for (const auto& [name, tensors] : read_index(index)) {
    TensorFile shard = read_one(folder_of(index) / name);
    for (const std::string& tensor : tensors) {
      require(shard.tensors.count(tensor) > 0, "{}: {} is said to hold {} and does not",
              index.string(), name, tensor);
    }
    require(shard.tensors.size() == tensors.size(), "{}: {} holds {} tensors, the index knows {}",
            index.string(), name, shard.tensors.size(), tensors.size());
    all.tensors.merge(shard.tensors);
    all.metadata.merge(shard.metadata);
  }
  return all;
}

Header header_for(const TensorFile& file) {
  Header header;
  header.metadata = file.metadata;
  for (const auto& [name, tensor] : file.tensors) {
    check_tensor_name(name);
    require(name != kMetadata, "a tensor cannot be called {}", kMetadata);
    header.tensors.push_back({name, tensor.scalar_type(), tensor.sizes().vec(), 0, 0});
  }
  arrange(header);
  return header;
}

}  // namespace

bool is_safetensors(const std::filesystem::path& path) {
  return path.extension() == kSuffix || is_index(path);
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  return is_index(path) ? read_shards(path) : read_one(path);
}

TensorFile parse_safetensors(std::string_view bytes, const std::string& where) {
  TensorFile file;
  // The tensors of a caller's bytes are not written to.
  explain(where, [&] { file = parse(const_cast<char*>(bytes.data()), bytes.size(), nullptr); });
  return file;
}

void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  Header header;
  std::string text;
  explain(path.string(), [&] {
    header = header_for(file);
    text = header_text(header);
  });
  Draft draft(path);
  const uint64_t length = text.size();
  draft.write({reinterpret_cast<const char*>(&length), sizeof length});
  draft.write(text);
  for (const HeaderEntry& entry : header.tensors) {
    const at::Tensor plain = file.tensors.at(entry.name).detach().to(at::kCPU).contiguous();
    draft.write({static_cast<const char*>(plain.const_data_ptr()), plain.nbytes()});
  }
  draft.publish();
}

}  // namespace taut::io
