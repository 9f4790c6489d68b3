#include "src/data/files.hpp"

#include <openssl/evp.h>
#include <stdlib.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>

#include "src/core/error.hpp"

namespace taut::data {
namespace {

namespace fs = std::filesystem;

std::string hex_sha256(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  require(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) == 1,
      "libcrypto offers no SHA-256");
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

bool is_gzip(const std::string& bytes) {
  return bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b';
}

// Unpacked in memory rather than by gzopen: the packed bytes are at hand for the digest already.
std::string gunzip(std::string& packed, const std::string& path) {
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  constexpr int kGzipOnly = 15 + 16;
  require(packed.size() < (1u << 30) && inflateInit2(&stream, kGzipOnly) == Z_OK,
          "cannot unpack {}", path);
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  std::string out;
  std::string chunk(1 << 18, '\0');
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    code = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk, 0, chunk.size() - stream.avail_out);
    // gzip allows several members one after another.
    if (code == Z_STREAM_END && stream.avail_in > 0) code = inflateReset(&stream);
  }
  require(code == Z_STREAM_END, "{}: the gzip file is truncated or damaged", path);
  return out;
}

}  // namespace

File read_file(const fs::path& path) {
  require(fs::exists(path), "no such file: {}", path.string());
  require(fs::is_regular_file(path), "expected a file, got something else: {}", path.string());
  std::ifstream stream(path, std::ios::binary);
  File file{path.string(), std::string(fs::file_size(path), '\0'), ""};
  stream.read(file.bytes.data(), static_cast<std::streamsize>(file.bytes.size()));
  require(stream.good(), "cannot read {}", file.path);
  require(!file.bytes.empty(), "{} is empty", file.path);
  file.sha256 = hex_sha256(file.bytes);
  if (is_gzip(file.bytes)) file.bytes = gunzip(file.bytes, file.path);
  return file;
}

fs::path plain_or_packed(const fs::path& path) {
  const fs::path packed = path.string() + ".gz";
  return !fs::exists(path) && fs::exists(packed) ? packed : path;
}

void for_each_line(const File& file,
                   const std::function<void(std::string_view line, int64_t number)>& take) {
  const std::string_view text = file.bytes;
  int64_t number = 1;
  for (size_t begin = 0; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin = end + 1;
    if (line.empty()) continue;
    try {
      take(line, number);
    } catch (const Error& error) {
      fail("{}, line {}: {}", file.path, number, error.what());
    }
  }
}

std::string fingerprint(const File& file) {
  return fmt::format("{} sha256 {}", fs::path(file.path).filename().string(), file.sha256);
}

ScratchFolder::ScratchFolder(const fs::path& parent) {
  std::error_code code;
  fs::create_directories(parent, code);
  std::string name = (parent / ".scratch-XXXXXX").string();
  require(!code && mkdtemp(name.data()) != nullptr, "cannot write in {}", parent.string());
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path ScratchFolder::make(const std::string& name) const {
  fs::create_directory(path_ / name);
  return path_ / name;
}

}  // namespace taut::data
