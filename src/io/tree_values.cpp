#include "src/io/tree_values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/core/core.hpp"

namespace taut::io {
namespace {

constexpr size_t kMaxList = size_t{1} << 20;

void expect(bool condition, const char* what, const Tree& value, const std::string& key) {
  require(condition, "expected {} at '{}', got {}", what, key, value.type_name());
}

template <class Read>
auto list_at(const Tree& value, const std::string& key, Read&& read) {
  expect(value.is_array(), "a list", value, key);
  require(value.size() <= kMaxList, "the list at '{}' has {} entries, more than {}", key,
          value.size(), kMaxList);
  std::vector<decltype(read(value, key))> all;
  for (const Tree& entry : value) all.push_back(read(entry, key));
  return all;
}

}  // namespace

double number_at(const Tree& value, const std::string& key) {
  expect(value.is_number(), "a number", value, key);
  return value.get<double>();
}

int64_t integer_at(const Tree& value, const std::string& key) {
  expect(value.is_number_integer(), "an integer", value, key);
  const bool fits = !value.is_number_unsigned() ||
                    value.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
  require(fits, "the integer at '{}' is too large", key);
  return value.get<int64_t>();
}

bool truth_at(const Tree& value, const std::string& key) {
  expect(value.is_boolean(), "true or false", value, key);
  return value.get<bool>();
}

std::string text_at(const Tree& value, const std::string& key) {
  expect(value.is_string(), "a text", value, key);
  return value.get<std::string>();
}

std::vector<double> numbers_at(const Tree& value, const std::string& key) {
  return list_at(value, key, number_at);
}

std::vector<int64_t> sizes_at(const Tree& value, const std::string& key) {
  return list_at(value, key, integer_at);
}

std::vector<std::string> texts_at(const Tree& value, const std::string& key) {
  return list_at(value, key, text_at);
}

void expect_keys(const Tree& value, const std::vector<std::string>& known,
                 const std::string& what) {
  require(value.is_object(), "expected {} to be a table, got {}", what, value.type_name());
  for (const auto& [key, entry] : value.items()) {
    require(std::find(known.begin(), known.end(), key) != known.end(), "{}",
            unknown_name("key of " + what, key.substr(0, 100), known));
  }
}

Tree spelled(double value) {
  return std::isfinite(value) ? Tree(value) : Tree(fmt::format("{}", value));
}

double unspelled(const Tree& value, const std::string& key) {
  if (value.is_number()) return number_at(value, key);
  const std::string text = text_at(value, key);
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  require(text == "nan" || text == "-nan", "expected a number at '{}', got '{}'", key,
          text.substr(0, 100));
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace taut::io
