#include "src/cli/complaint.hpp"

#include <algorithm>
#include <new>
#include <optional>

#include "src/core/core.hpp"

namespace taut::cli {
namespace {

constexpr const char* kAdvice = "a smaller batch or network needs less";

// What stands in `text` from behind `before` up to `after`.
std::optional<std::string> between(const std::string& text, const std::string& before,
                                   const std::string& after) {
  const size_t found = text.find(before);
  if (found == std::string::npos) return std::nullopt;
  const size_t start = found + before.size(), end = text.find(after, start);
  if (end == std::string::npos) return std::nullopt;
  return text.substr(start, end - start);
}

}  // namespace

std::string complaint_of(const std::exception& error) {
  std::string text = error.what();
  if (dynamic_cast<const Error*>(&error) != nullptr) {
    std::replace(text.begin(), text.end(), '\n', ' ');  // of a path, say
    return text;
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr)
    return fmt::format("out of memory: {}", kAdvice);
  if (const auto bytes = between(text, "can't allocate memory: you tried to allocate ", " bytes"))
    return fmt::format("out of memory: cannot allocate {} bytes; {}", *bytes, kAdvice);
  if (const auto size = between(text, "CUDA out of memory. Tried to allocate ", ". "))
    return fmt::format("out of memory: cannot allocate {} on the GPU; {}", *size, kAdvice);
  if (text.find("Storage size calculation overflowed") != std::string::npos)
    return fmt::format("out of memory: a tensor has more bytes than can be counted; {}", kAdvice);
  return text.substr(0, text.find('\n'));
}

}  // namespace taut::cli
