#include "src/io/safetensors_shards.hpp"

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "src/core/core.hpp"
#include "src/io/format.hpp"
#include "src/io/mapping.hpp"
#include "src/io/safetensors_header.hpp"

namespace taut::io {
namespace {

constexpr size_t kMaxShards = 10000;

// A name, not a path: a model cannot make us open files elsewhere.
void check_file_name(const std::string& name) {
  check_tensor_name(name);
  require(name.find('/') == std::string::npos && name != "." && name != "..",
          "expected the name of a file beside the index, got '{}'", name);
}

// Receives the index event by event; keeps weight_map, skips everything else.
class IndexSax {
 public:
  using json = nlohmann::json;

  bool null() { return value(); }
  bool boolean(bool) { return value(); }
  bool number_integer(json::number_integer_t) { return value(); }
  bool number_unsigned(json::number_unsigned_t) { return value(); }
  bool number_float(json::number_float_t, const std::string&) { return value(); }
  bool binary(json::binary_t&) { return value(); }
  bool string(std::string& text) {
    if (!in_map()) return value();
    check_file_name(text);
    shards[text].push_back(tensor_);
    require(shards.size() <= kMaxShards, "the index names more than {} files", kMaxShards);
    return true;
  }
  bool start_object(size_t) { return open(); }
  bool start_array(size_t) { return open(); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& key) {
    if (depth_ == 1) section_ = key;
    if (!in_map()) return true;
    check_tensor_name(key);
    require(names_.insert(key).second, "the index names {} twice", key);
    tensor_ = key;
    return true;
  }
  bool parse_error(size_t position, const std::string&, const json::exception&) {
    fail("the index is no JSON in UTF-8: byte {} does not belong there", position);
  }

  Shards shards;

 private:
  bool in_map() const { return depth_ == 2 && section_ == "weight_map"; }
  bool value() const {
    require(!in_map(), "expected weight_map to map names to names, at '{}'", tensor_);
    return true;
  }
  bool open() {
    value();
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  int64_t depth_ = 0;
  std::string section_, tensor_;
  std::unordered_set<std::string> names_;
};

}  // namespace

bool is_index(const std::filesystem::path& path) {
  return path.string().ends_with(".safetensors.index.json");
}

Shards parse_index(std::string_view json) {
  require(static_cast<int64_t>(json.size()) <= kMaxHeaderBytes,
          "the index has {} bytes, more than {}", json.size(), kMaxHeaderBytes);
  // The parser would take a NUL for the end.
  require(json.find('\0') == std::string_view::npos, "the index is no JSON: it holds a NUL byte");
  IndexSax sax;
  nlohmann::json::sax_parse(json.begin(), json.end(), &sax);
  require(!sax.shards.empty(), "the index has no weight_map with a tensor in it");
  return std::move(sax.shards);
}

Shards read_index(const std::filesystem::path& path) {
  Shards shards;
  explain(path.string(), [&] { shards = parse_index(Mapping(path).bytes()); });
  return shards;
}

}  // namespace taut::io
