#include "src/io/mapping.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "src/core/core.hpp"
#include "src/io/descriptor.hpp"

namespace taut::io {

Mapping::Mapping(const std::filesystem::path& path) {
  // Opening a pipe would wait for its writer.
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  require(file.regular(), "{} is not a regular file", path.string());
  size_ = static_cast<size_t>(file.size());
  if (size_ == 0) return;
  void* const memory =
      ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.number(), 0);
  require(memory != MAP_FAILED, "cannot map {}: {}", path.string(), std::strerror(errno));
  begin_ = static_cast<char*>(memory);
}

Mapping::~Mapping() {
  if (begin_ != nullptr) ::munmap(begin_, size_);
}

}  // namespace taut::io
