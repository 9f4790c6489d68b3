#include "src/io/safetensors_sax.hpp"

#include <limits>

#include "src/core/core.hpp"
#include "src/io/safetensors_types.hpp"

namespace taut::io {
namespace {

int64_t checked_number(uint64_t value, const std::string& where) {
  require(value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()),
          "{} holds {}, an impossible size", where, value);
  return static_cast<int64_t>(value);
}

// Names from the file, fit for one line of an error.
std::string shown(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (text.size() > 100) text.replace(100, std::string::npos, "...");
  return text;
}

}  // namespace

std::string HeaderSax::here() const { return shown(field_.empty() ? name_ : name_ + "." + field_); }

bool HeaderSax::refuse(const char* what) const {
  fail("the header holds {} at '{}'", what, here());
}

bool HeaderSax::number_unsigned(json::number_unsigned_t value) {
  if (place_ != Place::numbers) refuse("a number");
  require(numbers_.size() < 64, "{} has more than 64 entries", here());
  numbers_.push_back(value);
  return true;
}

bool HeaderSax::string(std::string& value) {
  if (place_ == Place::metadata) {
    header.metadata[field_] = std::move(value);
  } else if (place_ == Place::tensor && field_ == "dtype") {
    entry_.dtype = parse_dtype(shown(value));
  } else {
    refuse("a text");
  }
  return true;
}

bool HeaderSax::start_object(size_t) {
  if (place_ == Place::outside) {
    place_ = Place::tensors;
    return true;
  }
  if (place_ != Place::tensors) refuse("an object");
  fields_.clear();
  place_ = name_ == kMetadata ? Place::metadata : Place::tensor;
  entry_ = {};
  return true;
}

bool HeaderSax::end_object() {
  if (place_ == Place::tensor) finish_tensor();
  place_ = place_ == Place::tensors ? Place::outside : Place::tensors;
  name_ = field_ = "";
  return true;
}

bool HeaderSax::start_array(size_t) {
  if (place_ != Place::tensor || field_ == "dtype") refuse("a list");
  numbers_.clear();
  place_ = Place::numbers;
  return true;
}

bool HeaderSax::end_array() {
  place_ = Place::tensor;
  if (field_ == "shape") {
    for (const uint64_t size : numbers_) entry_.shape.push_back(checked_number(size, here()));
  } else {
    require(numbers_.size() == 2, "{} holds {} numbers, expected 2", here(), numbers_.size());
    entry_.begin = checked_number(numbers_[0], here());
    entry_.end = checked_number(numbers_[1], here());
  }
  return true;
}

bool HeaderSax::key(std::string& key) {
  add_key(key);
  return true;
}

void HeaderSax::add_key(const std::string& key) {
  const bool inside = place_ != Place::tensors;
  (inside ? field_ : name_) = key;
  require((inside ? fields_ : names_).insert(key).second, "the header names '{}' twice", here());
  if (!inside && key != kMetadata) check_tensor_name(key);
  if (place_ != Place::tensor) return;
  require(key == "dtype" || key == "shape" || key == "data_offsets",
          "the header holds '{}', expected dtype, shape and data_offsets", here());
}

void HeaderSax::finish_tensor() {
  field_ = "";
  require(fields_.size() == 3, "'{}' lacks dtype, shape or data_offsets", here());
  entry_.name = name_;
  header.tensors.push_back(std::move(entry_));
}

bool HeaderSax::parse_error(size_t position, const std::string&, const json::exception&) {
  fail("the header is no JSON in UTF-8: byte {} does not belong there", position);
}

}  // namespace taut::io
