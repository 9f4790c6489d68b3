#include "src/data/plays.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

#include "src/core/error.hpp"
#include "src/data/files.hpp"

namespace taut::data {
namespace {

// Project Gutenberg's own header and licence were taken off by the package; what is left at the top
// of each file is the title, this line (the second to fourth) and blank lines.
constexpr std::string_view kByline = "by William Shakespeare";
constexpr std::string_view kEnd = "THE END";

// Printable ASCII alone, to keep the vocabulary small. The transcribers wrote '{' and '}' for
// brackets now and then; '@', '*', '_' and '/' are their marks or slips (some eighty in five
// million characters). Blanks at line ends go.
std::string clean(const std::string& line) {
  std::string out;
  for (const char c : line) {
    if (c == '{' || c == '}') {
      out += c == '{' ? '[' : ']';
    } else if (c >= ' ' && c <= '~' && std::string_view("@*_/").find(c) == std::string_view::npos) {
      out += c;
    }
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

std::vector<std::string> clean_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(clean(line));
  return lines;
}

}  // namespace

std::string work_of(const std::string& text, const std::string& path) {
  std::vector<std::string> lines = clean_lines(text);
  const auto top = lines.begin() + std::min<std::ptrdiff_t>(10, std::ssize(lines));
  const auto byline = std::find(lines.begin(), top, kByline);
  require(byline != top, "{}: expected the line '{}' near the top", path, kByline);
  lines.erase(lines.begin(), byline + 1);
  while (!lines.empty() && (lines.back().empty() || lines.back() == kEnd)) lines.pop_back();
  std::string out;
  bool after_blank = true;  // drops blank lines at the start, keeps one of several elsewhere
  for (const std::string& line : lines) {
    if (!line.empty() || !after_blank) out += line + '\n';
    after_blank = line.empty();
  }
  require(!out.empty(), "{}: nothing follows the line '{}'", path, kByline);
  return out;
}

std::string all_works(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().string().ends_with("_gut.txt")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::string all;
  for (const auto& path : paths) {
    const File file = read_file(path);
    if (!all.empty()) all += '\n';
    all += work_of(file.bytes, file.path);
  }
  return all;
}

}  // namespace taut::data
