#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace taut {

// What the user or the outside world did wrong. Caught once, in main: one line on stderr, exit
// status 2. Our own mistakes are assert().
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> what, Args&&... args) {
  throw Error(fmt::format(what, std::forward<Args>(args)...));
}

// Throws Error unless `condition` holds. The text says what was expected and what came.
template <class... Args>
void require(bool condition, fmt::format_string<Args...> what, Args&&... args) {
  if (!condition) throw Error(fmt::format(what, std::forward<Args>(args)...));
}

}  // namespace taut
