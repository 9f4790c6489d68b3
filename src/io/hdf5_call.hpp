#pragma once

#include <hdf5.h>

#include <string>

#include "src/core/core.hpp"
#include "src/io/hdf5.hpp"

// Private to the hdf5_*.cpp files: checked calls.
namespace taut::io {

static_assert(std::is_same_v<hid_t, int64_t>);

// The library prints its errors unless each thread tells it not to.
void silence_hdf5();

// What the innermost failed call had to say, on one line.
std::string hdf5_message();

// Throws "WHERE: cannot WHAT: MESSAGE" for the library's negative results; hands through the
// others.
template <class T>
T checked(T result, const std::string& where, const char* what) {
  if (result < 0) fail("{}: cannot {}: {}", where, what, hdf5_message());
  return result;
}

inline Handle owned(hid_t id, Handle::Close close, const std::string& where, const char* what) {
  return Handle(checked(id, where, what), close);
}

// Attributes of any object. Reading demands a scalar of exactly the type.
void set_attribute(hid_t object, const std::string& name, const std::string& value,
                   const std::string& where);
void set_attribute(hid_t object, const std::string& name, hid_t type, const void* value,
                   const std::string& where);
std::string text_attribute(hid_t object, const std::string& name, const std::string& where);
void read_attribute(hid_t object, const std::string& name, hid_t type, void* value,
                    const std::string& where);
bool has_attribute(hid_t object, const std::string& name, const std::string& where);

// A type for text of up to `size` bytes, padded with NUL.
Handle text_type(size_t size, const std::string& where);
// Bytes of one element of a fixed-length string type; Error for any other type.
size_t text_size(hid_t type, const std::string& where);
// Text up to the padding.
std::string unpadded(const char* bytes, size_t size);

// Error unless `name` can be a single link or attribute name.
void check_name(const std::string& name, const std::string& where);

inline constexpr int kMaxRank = 8;

// A new contiguous dataset.
Handle make_dataset(hid_t group, const std::string& name, hid_t type, const Handle& space,
                    const std::string& where);
// Opens a dataset that hides nothing: a hard link, contiguous or compact, without filters, external
// files or virtual parts.
Handle open_dataset(hid_t group, const std::string& name, const std::string& where);
// Whether `group` has a link of this name; Error if it is not a hard one.
bool has_link(hid_t group, const std::string& name, const std::string& where);

// The shape of a dataset whose elements have `item` bytes, after comparing its size with what it
// stores and with what may still be read of the file, from which it is then taken.
std::vector<int64_t> claim_shape(hid_t dataset, size_t item, FileState& file,
                                 const std::string& where);

}  // namespace taut::io
