#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include <fmt/format.h>

#include "src/core/error.hpp"

namespace taut::test {

// A folder that lives as long as the test.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "taut-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// The seed of this test: TAUT_SEED, or a fixed one. Printed, so that a failure can be repeated.
inline uint64_t seed() {
  const char* set = std::getenv("TAUT_SEED");
  const uint64_t value = set != nullptr ? std::strtoull(set, nullptr, 10) : 20250718;
  fmt::print("seed {}\n", value);
  return value;
}

// ctest reads this line and reports the test as skipped.
inline void skip(const std::string& why) { fmt::print("skipped: {}\n", why); }

// The text of the Error that `work` throws; "" when it throws none.
template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace taut::test
