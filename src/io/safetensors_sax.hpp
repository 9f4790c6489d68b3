#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>

#include "src/io/safetensors_header.hpp"

// Receives a header from the JSON parser, event by event, and refuses the first that does not
// belong there: nothing but the header itself is ever held. Private to this folder.
namespace taut::io {

class HeaderSax {
 public:
  using json = nlohmann::json;

  bool null() { return refuse("null"); }
  bool boolean(bool) { return refuse("a truth value"); }
  bool number_integer(json::number_integer_t) { return refuse("a negative number"); }
  bool number_unsigned(json::number_unsigned_t value);
  bool number_float(json::number_float_t, const std::string&) { return refuse("a fraction"); }
  bool string(std::string& value);
  bool binary(json::binary_t&) { return refuse("binary data"); }
  bool start_object(size_t);
  bool end_object();
  bool start_array(size_t);
  bool end_array();
  bool key(std::string& key);
  bool parse_error(size_t position, const std::string& token, const json::exception& error);

  Header header;

 private:
  enum class Place { outside, tensors, metadata, tensor, numbers };

  [[noreturn]] bool refuse(const char* what) const;
  void add_key(const std::string& key);
  void finish_tensor();
  std::string here() const;  // "__metadata__.format", for errors

  Place place_ = Place::outside;
  std::string name_, field_;
  std::unordered_set<std::string> names_,
      fields_;  // seen in the header, and in the object inside it
  std::vector<uint64_t> numbers_;
  HeaderEntry entry_;
};

}  // namespace taut::io
