#include <ATen/ATen.h>

#include <array>
#include <charconv>
#include <string_view>

#include "src/core/error.hpp"
#include "src/data/readers.hpp"

namespace taut::data {
namespace {

constexpr int kPixels = 64, kClasses = 10, kBrightest = 16;
using Row = std::array<int, kPixels + 1>;

Row parse_row(std::string_view line, const std::string& path, int64_t number) {
  Row row{};
  const char* at = line.data();
  const char* end = at + line.size();
  for (size_t i = 0; i < row.size(); ++i) {
    const auto [next, code] = std::from_chars(at, end, row[i]);
    const bool last = i == kPixels;
    require(code == std::errc{} && (last ? next == end : next != end && *next == ','),
            "{} line {}: expected {} integers with commas between", path, number, row.size());
    const int top = last ? kClasses - 1 : kBrightest;
    require(row[i] >= 0 && row[i] <= top, "{} line {}: expected a {} of 0..{}, got {}", path,
            number, last ? "label" : "pixel", top, row[i]);
    at = last ? next : next + 1;
  }
  return row;
}

std::vector<Row> parse(const File& file) {
  std::vector<Row> rows;
  std::string_view rest = file.bytes;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t stop = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, stop);
    rest.remove_prefix(std::min(stop + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() && rest.empty()) break;
    rows.push_back(parse_row(line, file.path, number));
  }
  return rows;
}

Split to_split(const std::vector<Row>& rows) {
  const auto count = static_cast<int64_t>(rows.size());
  Split split{at::empty({count, 1, 8, 8}, at::kByte), at::empty({count}, at::kLong)};
  auto* pixel = split.values.mutable_data_ptr<uint8_t>();
  auto* label = split.labels.mutable_data_ptr<int64_t>();
  for (const Row& row : rows) {
    for (int i = 0; i < kPixels; ++i) *pixel++ = static_cast<uint8_t>(row[i]);
    *label++ = row[kPixels];
  }
  return split;
}

}  // namespace

// Every fifth example of each class, in the order of the file, is for validation: 1,442 and 355 of
// the 1,797. Both parts hold the same writers, so validation measures new images, not new hands.
Dataset read_digits(const std::filesystem::path& folder) {
  const File file = read_file(folder / "digits.csv.gz");
  std::array<int, kClasses> seen{};
  std::vector<Row> train, validation;
  for (const Row& row : parse(file)) {
    (++seen[row[kPixels]] % 5 == 0 ? validation : train).push_back(row);
  }
  require(!train.empty() && !validation.empty(),
          "{}: expected at least five examples of some class, got {} examples in all", file.path,
          train.size() + validation.size());
  Dataset dataset;
  dataset.input = {.channels = 1, .height = 8, .width = 8};
  dataset.classes = kClasses;
  dataset.scale = kBrightest;
  dataset.source = folder.string() + ": " + fingerprint(file);
  dataset.train = to_split(train);
  dataset.validation = to_split(validation);
  return dataset;
}

}  // namespace taut::data
