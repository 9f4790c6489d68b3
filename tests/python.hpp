#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support.hpp"

// The Python whose torch the build uses, for tests that compare with it.
namespace taut::test {

inline std::filesystem::path cache() {
  const char* set = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  return (set != nullptr ? std::filesystem::path(set)
                         : std::filesystem::path(home != nullptr ? home : "") / ".cache") /
         "taut";
}

// TAUT_PYTHON, or the one in the cache; nothing where there is none.
inline std::optional<std::string> python() {
  if (const char* set = std::getenv("TAUT_PYTHON")) return set;
  const std::filesystem::path program = cache() / "python" / "bin" / "python";
  if (!std::filesystem::exists(program)) return std::nullopt;
  return program.string();
}

// Runs a shell command with its talk in `log`; whether it went well.
inline bool shell(const std::string& command, const std::filesystem::path& log) {
  return std::system(fmt::format("({}) > '{}' 2>&1", command, log.string()).c_str()) == 0;
}

// The wheel of a package in the cache, fetched if need be; nothing where that fails.
inline std::optional<std::filesystem::path> fetched_wheel(const std::string& package,
                                                          const TempFolder& folder) {
  const auto program = python();
  if (!program) return std::nullopt;
  const std::filesystem::path wheels = cache() / "wheels" / package;
  const auto find = [&]() -> std::optional<std::filesystem::path> {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(wheels, error)) {
      if (entry.path().extension() == ".whl") return entry.path();
    }
    return std::nullopt;
  };
  if (const auto found = find()) return found;
  // Whole or not at all: the name comes last.
  const std::string fetch = fmt::format(
      "mkdir -p '{0}' && '{1}' -m pip download -q --no-deps -d '{0}.part' '{2}' && mv "
      "'{0}.part'/*.whl '{0}'/",
      wheels.string(), *program, package);
  return shell(fetch, folder / "log") ? find() : std::nullopt;
}

}  // namespace taut::test
