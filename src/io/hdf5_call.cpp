#include "src/io/hdf5_call.hpp"

#include <algorithm>

namespace taut::io {
namespace {

constexpr size_t kNameBytes = 1000;

herr_t keep_first(unsigned, const H5E_error2_t* error, void* out) {
  if (error->desc != nullptr) *static_cast<std::string*>(out) = error->desc;
  return 1;  // stops the walk
}

}  // namespace

void silence_hdf5() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

std::string hdf5_message() {
  std::string text = "no reason given";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
  // The library wraps what the system said in the time, addresses and counts of the call.
  const std::string_view system = "error message = '";
  if (const size_t at = text.find(system); at != std::string::npos) {
    const size_t begin = at + system.size();
    return text.substr(begin, text.find('\'', begin) - begin);
  }
  return text.substr(0, text.find('\n'));
}

void check_name(const std::string& name, const std::string& where) {
  require(!name.empty() && name.size() <= kNameBytes && name != "." &&
              name.find('/') == std::string::npos && name.find('\0') == std::string::npos,
          "{}: '{}' cannot name an entry: expected 1 to {} bytes without '/'", where,
          name.substr(0, kNameBytes), kNameBytes);
}

bool has_link(hid_t group, const std::string& name, const std::string& where) {
  check_name(name, where);
  const htri_t exists = H5Lexists(group, name.c_str(), H5P_DEFAULT);
  if (checked(exists, where, "look up") == 0) return false;
  H5L_info_t info;
  checked(H5Lget_info(group, name.c_str(), &info, H5P_DEFAULT), where, "look up");
  require(info.type == H5L_TYPE_HARD, "{} is a link to elsewhere, which is not followed", where);
  return true;
}

Handle text_type(size_t size, const std::string& where) {
  Handle type = owned(H5Tcopy(H5T_C_S1), H5Tclose, where, "make a type");
  // HDF5 has no strings of size 0; an empty one is a single NUL.
  checked(H5Tset_size(type.id(), std::max<size_t>(size, 1)), where, "make a type");
  checked(H5Tset_strpad(type.id(), H5T_STR_NULLPAD), where, "make a type");
  checked(H5Tset_cset(type.id(), H5T_CSET_UTF8), where, "make a type");
  return type;
}

size_t text_size(hid_t type, const std::string& where) {
  const bool fixed = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
  require(fixed, "{}: expected text of fixed length", where);
  const size_t size = H5Tget_size(type);
  require(size > 0, "{}: cannot read: {}", where, hdf5_message());
  return size;
}

std::string unpadded(const char* bytes, size_t size) {
  return std::string(bytes, std::find(bytes, bytes + size, '\0'));
}

}  // namespace taut::io
