#include <fcntl.h>

#include <nlohmann/json.hpp>

#include "src/core/core.hpp"
#include "src/io/descriptor.hpp"
#include "src/io/draft.hpp"
#include "src/io/run.hpp"

namespace taut::io {
namespace {

constexpr const char* kMetrics = "metrics.jsonl";
constexpr size_t kMaxText = size_t{1} << 30;

// The step of a line; none when it is not a JSON object with an integer "step".
std::optional<int64_t> step_of(std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const auto step = json.find("step");
  if (step == json.end() || !step->is_number_integer()) return std::nullopt;
  return step->get<int64_t>();
}

}  // namespace

void append_metrics(const std::filesystem::path& folder, const std::string& json_line) {
  require(json_line.find('\n') == std::string::npos, "expected one line of metrics, got several");
  Descriptor file(folder / kMetrics, O_WRONLY | O_CREAT | O_APPEND);
  const int64_t before = file.size();
  try {
    file.write(json_line + "\n");
  } catch (const Error&) {
    file.truncate(before);  // a full disk took half of the line
    throw;
  }
}

void truncate_metrics(const std::filesystem::path& folder, int64_t step) {
  const std::filesystem::path path = folder / kMetrics;
  if (!std::filesystem::exists(path)) return;
  const std::string text = read_text(path);
  std::string kept;
  for (size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const std::optional<int64_t> at = step_of(line);
    // No beginning of a JSON object is one, so a line that was cut off does not parse.
    require(at || begin >= text.size(),
            "{} line {}: expected a JSON object with an integer \"step\"", path.string(), number);
    if (at && *at <= step) kept += line + "\n";
  }
  if (kept != text) write_atomically(path, kept);
}

void write_atomically(const std::filesystem::path& path, const std::string& text) {
  Draft draft(path);
  draft.write(text);
  draft.publish();
}

std::string read_text(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  std::string text;
  file.read(0, [&](std::string_view bytes) {
    require(text.size() + bytes.size() <= kMaxText, "{} has more than {} bytes of text",
            path.string(), kMaxText);
    text += bytes;
  });
  return text;
}

}  // namespace taut::io
