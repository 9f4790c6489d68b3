#include "src/io/seal.hpp"

#include <fcntl.h>
#include <zlib.h>

#include <charconv>
#include <string>

#include "src/core/core.hpp"
#include "src/io/descriptor.hpp"

namespace taut::io {
namespace {

constexpr std::string_view kMagic = "taut file of ";

uint32_t crc_of_rest(const Descriptor& file) {
  uLong crc = crc32_z(0, nullptr, 0);
  file.read(kSealBytes, [&](std::string_view bytes) {
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  });
  return static_cast<uint32_t>(crc);
}

std::string line_of(int64_t size, uint32_t crc) {
  std::string line = fmt::format("{}{} bytes, crc32 {:08x}\n", kMagic, size, crc);
  line.resize(kSealBytes, '\0');
  return line;
}

// The length that a seal names; -1 where it names none.
int64_t sealed_size(const std::string& head) {
  int64_t size = -1;
  const auto [end, code] =
      std::from_chars(head.data() + kMagic.size(), head.data() + head.size(), size);
  return code == std::errc{} ? size : -1;
}

}  // namespace

std::string seal_of(std::string_view rest) {
  const auto* bytes = reinterpret_cast<const Bytef*>(rest.data());
  return line_of(kSealBytes + static_cast<int64_t>(rest.size()),
                 static_cast<uint32_t>(crc32_z(0, bytes, rest.size())));
}

void check_seal(const std::filesystem::path& path) {
  // Opening a pipe would wait for its writer.
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  require(file.regular(), "{} is not a regular file", path.string());
  const int64_t size = file.size();
  require(size > 0, "{} is empty", path.string());
  const std::string head = file.head(kSealBytes);
  if (!head.starts_with(kMagic)) return;
  const int64_t expected = sealed_size(head);
  require(size == expected, "{} is damaged: expected {} bytes, got {}", path.string(), expected,
          size);
  require(head == line_of(size, crc_of_rest(file)),
          "{} is damaged, or was changed by another program: its checksum does not match",
          path.string());
}

}  // namespace taut::io
