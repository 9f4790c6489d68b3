#pragma once

#include <filesystem>
#include <string_view>

namespace taut::io {

// The bytes of a file in memory without a copy: a page is read when it is touched. What is written
// to them stays in this process. A file that another program shortens while it is mapped ends this
// one, so files under construction get their name last (draft.hpp).
class Mapping {
 public:
  // Error for a missing file, and for anything but a regular one.
  explicit Mapping(const std::filesystem::path& path);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::string_view bytes() const { return {begin_, size_}; }
  char* begin() const { return begin_; }

 private:
  char* begin_ = nullptr;
  size_t size_ = 0;
};

}  // namespace taut::io
