#include <nlohmann/json.hpp>
#include <set>

#include "src/core/core.hpp"
#include "src/data/bpe.hpp"
#include "src/data/byte_alphabet.hpp"
#include "src/data/files.hpp"

namespace taut::data {
namespace {

using nlohmann::json;

// JSON lets a later entry of the same name replace an earlier one.
json parse_object(const File& file) {
  std::set<std::string> names;
  std::string twice;
  json object;
  try {
    object = json::parse(file.bytes, [&](int depth, json::parse_event_t event, json& value) {
      if (event == json::parse_event_t::key && depth == 1 &&
          !names.insert(value.get<std::string>()).second) {
        twice = value.get<std::string>();
      }
      return true;
    });
  } catch (const json::exception& error) {
    fail("{}: expected JSON: {}", file.path, error.what());
  }
  require(object.is_object() && !object.empty(), "{}: expected a JSON object of tokens and ids",
          file.path);
  require(twice.empty(), "{}: token '{}' stands there twice", file.path, twice);
  return object;
}

// The names of the tokens by id.
std::vector<std::string> names_by_id(const File& file) {
  const json object = parse_object(file);
  const uint64_t count = object.size();
  std::vector<std::string> names(count);
  std::vector<bool> taken(count);
  for (const auto& [name, id] : object.items()) {
    require(id.is_number_unsigned() && id.get<uint64_t>() < count,
            "{}: expected ids 0 to {} for {} tokens, got {} for '{}'", file.path, count - 1, count,
            id.dump(), name);
    const auto place = id.get<uint64_t>();
    require(!taken[place], "{}: '{}' and '{}' have the same id {}", file.path, names[place], name,
            place);
    taken[place] = true;
    names[place] = name;
  }
  return names;
}

// The id of every token by its bytes.
std::unordered_map<std::string, int32_t> ids_of(const std::vector<std::string>& tokens) {
  std::unordered_map<std::string, int32_t> ids;
  for (size_t i = 0; i < tokens.size(); ++i) ids.emplace(tokens[i], static_cast<int32_t>(i));
  return ids;
}

void add_merge(Bpe& bpe, const std::unordered_map<std::string, int32_t>& ids,
               std::string_view line) {
  const size_t space = line.find(' ');
  require(space != line.npos && space > 0 && space + 1 < line.size() &&
              line.find(' ', space + 1) == line.npos,
          "expected two tokens and a space between them, got '{}'", line);
  const auto bytes = [&](std::string_view part) {
    const auto found = bytes_behind(part);
    require(found.has_value(), "'{}' holds a character that stands for no byte", part);
    return *found;
  };
  const std::string left = bytes(line.substr(0, space)), right = bytes(line.substr(space + 1));
  const auto id = [&](const std::string& token) {
    const auto found = ids.find(token);
    require(found != ids.end(), "vocab.json has no token '{}'", printable(token));
    return found->second;
  };
  const auto a = static_cast<uint32_t>(id(left)), b = static_cast<uint32_t>(id(right));
  const Bpe::Merge merge{static_cast<int32_t>(bpe.merges.size()), id(left + right)};
  require(bpe.merges.emplace(uint64_t{a} << 32 | b, merge).second, "'{}' stands there twice", line);
}

void add_merges(Bpe& bpe, const File& file) {
  const std::unordered_map<std::string, int32_t> ids = ids_of(bpe.tokens);
  for_each_line(file, [&](std::string_view line, int64_t number) {
    if (number > 1 || !line.starts_with("#version")) add_merge(bpe, ids, line);
  });
}

}  // namespace

Bpe read_bpe(const std::filesystem::path& folder) {
  const File vocabulary = read_file(folder / "vocab.json");
  Bpe bpe;
  bpe.byte.fill(-1);
  for (const std::string& name : names_by_id(vocabulary)) {
    const std::optional<std::string> bytes = bytes_behind(name);
    require(bytes.has_value() && !bytes->empty(), "{}: token '{}' stands for no bytes",
            vocabulary.path, name);
    if (bytes->size() == 1) {
      bpe.byte[static_cast<uint8_t>(bytes->front())] = static_cast<int32_t>(bpe.tokens.size());
    }
    bpe.tokens.push_back(*bytes);
  }
  for (size_t b = 0; b < bpe.byte.size(); ++b) {
    require(bpe.byte[b] >= 0, "{}: no token for the byte {} ('{}')", vocabulary.path, b,
            printable(std::string(1, static_cast<char>(b))));
  }
  add_merges(bpe, read_file(folder / "merges.txt"));
  return bpe;
}

}  // namespace taut::data
