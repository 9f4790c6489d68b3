#include <algorithm>

#include "src/io/hdf5_call.hpp"

namespace taut::io {
namespace {

// Fixed-length text, so that nothing lies in the heaps of the format: a list is padded to its
// longest.
void write_padded(hid_t group, const std::string& name, const std::vector<std::string>& texts,
                  const Handle& space, const std::string& where) {
  size_t longest = 1;
  for (const std::string& text : texts) {
    require(text.find('\0') == std::string::npos, "{}: text with a NUL byte cannot be stored",
            where);
    longest = std::max(longest, text.size());
  }
  std::string bytes(longest * texts.size(), '\0');
  for (size_t i = 0; i < texts.size(); ++i) {
    std::copy(texts[i].begin(), texts[i].end(), bytes.begin() + static_cast<int64_t>(i * longest));
  }
  const Handle type = text_type(longest, where);
  const Handle dataset = make_dataset(group, name, type.id(), space, where);
  if (bytes.empty()) return;
  checked(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), where,
          "write");
}

std::vector<std::string> read_padded(hid_t group, const std::string& name, size_t rank,
                                     FileState& file, const std::string& where) {
  const Handle dataset = open_dataset(group, name, where);
  const Handle type = owned(H5Dget_type(dataset.id()), H5Tclose, where, "read");
  const size_t item = text_size(type.id(), where);
  const std::vector<int64_t> shape = claim_shape(dataset.id(), item, file, where);
  require(shape.size() == rank, "{}: expected {}, got the shape {}", where,
          rank == 0 ? "one text" : "a list of texts", shape_text(shape));
  const size_t count = rank == 0 ? 1 : static_cast<size_t>(shape[0]);
  std::string bytes(count * item, '\0');
  if (!bytes.empty()) {
    checked(H5Dread(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), where,
            "read");
  }
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) texts.push_back(unpadded(bytes.data() + i * item, item));
  return texts;
}

}  // namespace

void Group::write_text(const std::string& name, const std::string& text) {
  const Handle space = owned(H5Screate(H5S_SCALAR), H5Sclose, where(name), "write");
  write_padded(handle_.id(), name, {text}, space, where(name));
}

std::string Group::read_text(const std::string& name) const {
  return read_padded(handle_.id(), name, 0, *file_, where(name)).front();
}

void Group::write_texts(const std::string& name, const std::vector<std::string>& texts) {
  const hsize_t count = texts.size();
  const Handle space = owned(H5Screate_simple(1, &count, nullptr), H5Sclose, where(name), "write");
  write_padded(handle_.id(), name, texts, space, where(name));
}

std::vector<std::string> Group::read_texts(const std::string& name) const {
  return read_padded(handle_.id(), name, 1, *file_, where(name));
}

}  // namespace taut::io
