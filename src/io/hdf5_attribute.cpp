#include "src/io/hdf5_call.hpp"

namespace taut::io {
namespace {

constexpr size_t kTextBytes = 64000;  // an object header holds 64 KiB at most
constexpr size_t kAttributes = 10000;

Handle open_scalar(hid_t object, const std::string& name, const std::string& where) {
  require(has_attribute(object, name, where), "{} lacks the attribute '{}'", where, name);
  Handle attribute =
      owned(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, where, "open an attribute");
  const Handle space = owned(H5Aget_space(attribute.id()), H5Sclose, where, "read an attribute");
  require(H5Sget_simple_extent_type(space.id()) == H5S_SCALAR,
          "{}: expected attribute '{}' to be one value", where, name);
  return attribute;
}

herr_t collect(hid_t, const char* name, const H5A_info_t*, void* out) {
  auto& names = *static_cast<std::vector<std::string>*>(out);
  names.emplace_back(name);
  return names.size() > kAttributes ? 1 : 0;
}

}  // namespace

bool has_attribute(hid_t object, const std::string& name, const std::string& where) {
  check_name(name, where);
  return checked(H5Aexists(object, name.c_str()), where, "look up an attribute") > 0;
}

void set_attribute(hid_t object, const std::string& name, hid_t type, const void* value,
                   const std::string& where) {
  check_name(name, where);
  const Handle space = owned(H5Screate(H5S_SCALAR), H5Sclose, where, "write an attribute");
  const Handle attribute =
      owned(H5Acreate2(object, name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
            where, "write an attribute");
  checked(H5Awrite(attribute.id(), type, value), where, "write an attribute");
}

void set_attribute(hid_t object, const std::string& name, const std::string& value,
                   const std::string& where) {
  require(value.size() <= kTextBytes && value.find('\0') == std::string::npos,
          "{}: expected attribute '{}' to have at most {} bytes, none of them NUL; got {} bytes",
          where, name, kTextBytes, value.size());
  const Handle type = text_type(value.size(), where);
  set_attribute(object, name, type.id(), value.c_str(), where);
}

void read_attribute(hid_t object, const std::string& name, hid_t type, void* value,
                    const std::string& where) {
  const Handle attribute = open_scalar(object, name, where);
  const Handle stored = owned(H5Aget_type(attribute.id()), H5Tclose, where, "read an attribute");
  require(H5Tequal(stored.id(), type) > 0, "{}: attribute '{}' has an unexpected type", where,
          name);
  checked(H5Aread(attribute.id(), type, value), where, "read an attribute");
}

std::string text_attribute(hid_t object, const std::string& name, const std::string& where) {
  const Handle attribute = open_scalar(object, name, where);
  const Handle type = owned(H5Aget_type(attribute.id()), H5Tclose, where, "read an attribute");
  const size_t size = text_size(type.id(), where);
  require(size <= kTextBytes, "{}: expected attribute '{}' to have at most {} bytes, got {}", where,
          name, kTextBytes, size);
  std::string bytes(size, '\0');
  checked(H5Aread(attribute.id(), type.id(), bytes.data()), where, "read an attribute");
  return unpadded(bytes.data(), size);
}

void Group::set_text(const std::string& attribute, const std::string& value) {
  set_attribute(handle_.id(), attribute, value, where());
}

void Group::set_number(const std::string& attribute, double value) {
  set_attribute(handle_.id(), attribute, H5T_IEEE_F64LE, &value, where());
}

void Group::set_integer(const std::string& attribute, int64_t value) {
  set_attribute(handle_.id(), attribute, H5T_STD_I64LE, &value, where());
}

std::string Group::text(const std::string& attribute) const {
  return text_attribute(handle_.id(), attribute, where());
}

double Group::number(const std::string& attribute) const {
  double value = 0;
  read_attribute(handle_.id(), attribute, H5T_IEEE_F64LE, &value, where());
  return value;
}

int64_t Group::integer(const std::string& attribute) const {
  int64_t value = 0;
  read_attribute(handle_.id(), attribute, H5T_STD_I64LE, &value, where());
  return value;
}

bool Group::has_attribute(const std::string& attribute) const {
  return io::has_attribute(handle_.id(), attribute, where());
}

std::vector<std::string> Group::attributes() const {
  std::vector<std::string> names;
  checked(H5Aiterate2(handle_.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names), where(),
          "list attributes");
  require(names.size() <= kAttributes, "{} has more than {} attributes", where(), kAttributes);
  return names;
}

}  // namespace taut::io
