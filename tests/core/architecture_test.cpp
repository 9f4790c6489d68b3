#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace {

namespace fs = std::filesystem;

// Folders, lowest first: one may include only itself and what stands before it.
const std::vector<std::string> kFolders = {"src/core",  "src/team",   "kernels", "models",
                                           "certify",   "attacks",    "src/io",  "src/data",
                                           "src/train", "src/report", "src/cli"};

// Position in kFolders of a root-relative path; -1 for tests and everything outside the project.
int level(const std::string& path) {
  for (size_t i = 0; i < kFolders.size(); ++i) {
    if (path.rfind(kFolders[i] + "/", 0) == 0) return static_cast<int>(i);
  }
  return -1;
}

std::vector<std::string> sources() {
  std::vector<std::string> files;
  for (const char* top : {"src", "kernels", "models", "certify", "attacks"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(TAUT_SOURCE) / top)) {
      const std::string extension = entry.path().extension();
      if (extension == ".cpp" || extension == ".hpp" || extension == ".cu" || extension == ".cuh") {
        files.push_back(fs::relative(entry.path(), TAUT_SOURCE).string());
      }
    }
  }
  return files;
}

std::vector<std::string> lines(const std::string& file) {
  std::ifstream stream(fs::path(TAUT_SOURCE) / file);
  std::vector<std::string> all;
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

// What is wrong with including `included` from `file`; empty when nothing is.
std::string fault(const std::string& file, const std::string& included) {
  const int here = level(file), there = level(included);
  if (there < 0) {
    return included.find('/') != std::string::npos && fs::exists(fs::path(TAUT_SOURCE) / included)
               ? "not a folder of the table"
               : "";
  }
  return there > here ? "includes upward" : "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(architecture_test)

BOOST_AUTO_TEST_CASE(includes_only_point_downward) {
  const std::regex include("^\\s*#include \"([^\"]+)\"");
  int edges = 0;
  for (const std::string& file : sources()) {
    for (const std::string& line : lines(file)) {
      std::smatch match;
      if (!std::regex_search(line, match, include)) continue;
      edges += level(match[1]) >= 0 ? 1 : 0;
      const std::string wrong = fault(file, match[1]);
      BOOST_TEST(wrong.empty(), file << ": " << line << ": " << wrong);
      BOOST_TEST(line.find("..") == std::string::npos, file << ": " << line << ": relative");
    }
  }
  BOOST_TEST(edges > 100);
}

BOOST_AUTO_TEST_CASE(an_upward_edge_would_be_seen) {
  BOOST_TEST(fault("kernels/soft_cap.cpp", "certify/bound.hpp") == "includes upward");
  BOOST_TEST(fault("certify/bound.cpp", "kernels/kernels.hpp").empty());
  BOOST_TEST(fault("models/network.cpp", "tests/support.hpp") == "not a folder of the table");
}

BOOST_AUTO_TEST_CASE(only_the_command_line_sees_its_parser) {
  for (const std::string& file : sources()) {
    if (file.rfind("src/cli/", 0) == 0) continue;
    for (const std::string& line : lines(file)) {
      BOOST_TEST(line.find("#include <CLI/") == std::string::npos, file << ": " << line);
    }
  }
}

BOOST_AUTO_TEST_CASE(files_stay_short) {
  for (const std::string& file : sources()) {
    BOOST_TEST(lines(file).size() <= 300u, file << " has " << lines(file).size() << " lines");
  }
}

BOOST_AUTO_TEST_SUITE_END()
