#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "src/io/draft.hpp"

// RAII over the HDF5 C API, no more of it than the formats of this folder need. A failed call is an
// Error with file, object and the innermost message of the library.
//
// Reading trusts nothing. Only hard links, and only unfiltered contiguous data of the types below,
// are read; shapes and sizes are compared with the file before memory is taken; and all reads of
// one File together return no more bytes than the file has, so links to one object do not multiply
// it.
namespace taut::io {

// An identifier of the library, closed when it goes out of scope.
class Handle {
 public:
  using Close = int (*)(int64_t);
  Handle() = default;
  Handle(int64_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  ~Handle() { reset(); }
  int64_t id() const { return id_; }

 private:
  void reset();

  int64_t id_ = -1;
  Close close_ = nullptr;
};

// What the groups of one file share.
struct FileState {
  std::filesystem::path path;  // as errors name it
  int64_t unread = 0;          // bytes that reads may still return
};

// Names are single link names: not empty, no '/', at most 1000 bytes.
class Group {
 public:
  Group() = default;
  Group(Handle handle, std::string path, std::shared_ptr<FileState> file);

  Group create(const std::string& name);
  Group open(const std::string& name) const;
  bool has(const std::string& name) const;
  std::vector<std::string> members() const;  // in creation order; by name where none was kept

  // float, double, half, bfloat16 (uint16 with an attribute), float8_e4m3fn (uint8 with one),
  // int64, uint8, bool (uint8 with one); at most 8 dimensions. Tensors come back on the CPU, bit
  // for bit.
  void write(const std::string& name, const at::Tensor& tensor);
  at::Tensor read(const std::string& name) const;
  void write_doubles(const std::string& name, const std::vector<double>& values);
  std::vector<double> read_doubles(const std::string& name) const;
  void write_text(const std::string& name, const std::string& text);
  std::string read_text(const std::string& name) const;
  void write_texts(const std::string& name, const std::vector<std::string>& texts);
  std::vector<std::string> read_texts(const std::string& name) const;

  // Scalar attributes. Text is at most 64000 bytes without NUL.
  void set_text(const std::string& attribute, const std::string& value);
  void set_number(const std::string& attribute, double value);
  void set_integer(const std::string& attribute, int64_t value);
  std::string text(const std::string& attribute) const;
  double number(const std::string& attribute) const;
  int64_t integer(const std::string& attribute) const;
  bool has_attribute(const std::string& attribute) const;
  std::vector<std::string> attributes() const;  // by name

  // "run/checkpoint.h5: network/layers/0/weight"
  std::string where(const std::string& name = {}) const;

 private:
  Handle handle_;
  std::string path_;
  std::shared_ptr<FileState> file_;
};

std::string hdf5_version();  // "1.10.8", of the library in use

class File {
 public:
  // A new file that becomes visible under `target` with publish() and never otherwise.
  static File create(const std::filesystem::path& target);
  // For reading. Error for anything but an intact HDF5 file.
  static File open(const std::filesystem::path& path);

  Group& root() { return root_; }
  const Group& root() const { return root_; }

  // Seals, writes, syncs and renames, once. Error on a full disk; what stood at `target` is then
  // untouched.
  void publish();

 private:
  File() = default;
  std::string_view image() const;  // of a new file, behind its seal

  std::unique_ptr<Draft> draft_;
  std::shared_ptr<FileState> state_;
  Handle handle_;
  Group root_;  // closed before the file
};

}  // namespace taut::io
