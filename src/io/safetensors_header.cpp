#include "src/io/safetensors_header.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "src/core/core.hpp"
#include "src/io/safetensors_sax.hpp"
#include "src/io/safetensors_types.hpp"

namespace taut::io {
namespace {

constexpr size_t kMaxRank = 8;
constexpr size_t kMaxName = 1000;

// Bytes of the tensor. LibTorch multiplies max(1, size), so an overflow hides behind a zero as
// well.
int64_t bytes_of(const HeaderEntry& entry) {
  require(entry.shape.size() <= kMaxRank, "{} has {} dimensions, more than {}", entry.name,
          entry.shape.size(), kMaxRank);
  auto bytes = static_cast<int64_t>(c10::elementSize(entry.dtype));
  int64_t padded = bytes;
  for (const int64_t size : entry.shape) {
    require(!__builtin_mul_overflow(padded, std::max<int64_t>(size, 1), &padded),
            "{} has an impossible shape, {}", entry.name, shape_text(entry.shape));
    bytes *= size;
  }
  return bytes;
}

void check_places(const std::vector<HeaderEntry>& tensors, int64_t data_bytes) {
  int64_t end = 0;
  for (const HeaderEntry& t : tensors) {
    require(t.begin <= t.end && t.end <= data_bytes,
            "{} lies at bytes {} to {}, the file has {} bytes of data", t.name, t.begin, t.end,
            data_bytes);
    require(t.end - t.begin == bytes_of(t), "{} of shape {} and type {} has {} bytes, expected {}",
            t.name, shape_text(t.shape), dtype_name(t.dtype), t.end - t.begin, bytes_of(t));
    require(t.begin == end, "{} begins at byte {}, the data before it end at {}", t.name, t.begin,
            end);
    end = t.end;
  }
  require(end == data_bytes, "the tensors end at byte {}, the data at {}", end, data_bytes);
}

}  // namespace

void check_tensor_name(const std::string& name) {
  require(!name.empty() && name.size() <= kMaxName,
          "expected a tensor name of 1 to {} bytes, got {}", kMaxName, name.size());
  const bool printable = std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  require(printable, "a tensor's name holds control characters");
}

Header parse_header(std::string_view json, int64_t data_bytes) {
  require(json.starts_with('{'), "the header does not begin with '{{'");
  // The parser would take a NUL for the end.
  require(json.find('\0') == std::string_view::npos, "the header is no JSON: it holds a NUL byte");
  HeaderSax sax;
  nlohmann::json::sax_parse(json.begin(), json.end(), &sax);
  Header header = std::move(sax.header);
  // Empty tensors stand before the one that begins where they do.
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const HeaderEntry& a, const HeaderEntry& b) {
                     return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                   });
  check_places(header.tensors, data_bytes);
  return header;
}

void arrange(Header& header) {
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const HeaderEntry& a, const HeaderEntry& b) {
              const size_t x = dtype_rank(a.dtype), y = dtype_rank(b.dtype);
              return x != y ? x < y : a.name < b.name;
            });
  int64_t end = 0;
  for (HeaderEntry& t : header.tensors) {
    t.begin = end;
    t.end = end = end + bytes_of(t);
  }
}

std::string header_text(const Header& header) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!header.metadata.empty()) json[kMetadata] = header.metadata;
  for (const HeaderEntry& t : header.tensors) {
    json[t.name] = {
        {"dtype", dtype_name(t.dtype)}, {"shape", t.shape}, {"data_offsets", {t.begin, t.end}}};
  }
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::exception&) {
    fail("a name or a metadata text is not UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  require(text.size() <= static_cast<size_t>(kMaxHeaderBytes),
          "the header would have {} bytes, more than {}", text.size(), kMaxHeaderBytes);
  return text;
}

}  // namespace taut::io
