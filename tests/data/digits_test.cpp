#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <map>

#include "src/data/readers.hpp"
#include "tests/data/making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

BOOST_AUTO_TEST_SUITE(digits_test)

BOOST_AUTO_TEST_CASE(rows_become_images_and_every_fifth_of_a_class_is_held_out) {
  const test::TempFolder folder;
  test::write_gzip(folder / "digits.csv.gz", test::digits_csv(10));
  const data::Dataset digits = data::read_digits(folder.path());
  BOOST_TEST(digits.classes == 10);
  BOOST_TEST(digits.scale == 16);
  BOOST_TEST((digits.input == models::InputSpec{.channels = 1, .height = 8, .width = 8}));
  BOOST_TEST(digits.train.values.sizes() == (at::IntArrayRef{80, 1, 8, 8}));
  BOOST_TEST(digits.validation.values.sizes() == (at::IntArrayRef{20, 1, 8, 8}));
  BOOST_TEST((digits.train.values.scalar_type() == at::kByte));
  // Rows 40..49 hold the fifth example of each class.
  const at::Tensor pixels = at::arange(64).view({1, 8, 8});
  for (int64_t i = 0; i < 10; ++i) {
    BOOST_TEST(digits.validation.labels[i].item<int64_t>() == i);
    BOOST_TEST(
        at::equal(digits.validation.values[i].to(at::kLong), (pixels + 40 + i).remainder(17)));
    BOOST_TEST(at::equal(digits.train.values[i].to(at::kLong), (pixels + i).remainder(17)));
  }
  BOOST_TEST(contains(digits.source, "digits.csv.gz sha256 "));
}

BOOST_AUTO_TEST_CASE(windows_line_ends_and_a_missing_last_one_are_read) {
  const test::TempFolder folder;
  std::string text = test::digits_csv(5);
  text.pop_back();
  test::write(folder / "digits.csv.gz", text);
  BOOST_TEST(data::read_digits(folder.path()).train.labels.size(0) == 40);
  std::string crlf;
  for (const char c : text) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  test::write(folder / "digits.csv.gz", crlf + "\r\n");
  BOOST_TEST(data::read_digits(folder.path()).train.labels.size(0) == 40);
}

BOOST_AUTO_TEST_CASE(malformed_files_are_errors_that_name_file_and_line) {
  const test::TempFolder folder;
  const std::string good = test::digits_csv(5), zeros(2 * 64, '0');
  std::string pixels;
  for (int i = 0; i < 64; ++i) pixels += "0,";
  const std::map<std::string, std::string> bad{
      {"label out of range", pixels + "10\n"},
      {"negative label", pixels + "-1\n"},
      {"pixel out of range", "17," + pixels.substr(2) + "1\n"},
      {"negative pixel", "-1," + pixels.substr(2) + "1\n"},
      {"too few", pixels.substr(2) + "1\n"},
      {"too many", pixels + "0,1\n"},
      {"words", "zero," + pixels.substr(2) + "1\n"},
      {"fraction", "0.5," + pixels.substr(2) + "1\n"},
      {"truncated", pixels.substr(0, 51)},
      {"no label", pixels + "\n"},
      {"blank line", "\n" + pixels + "1\n"},
      {"huge", pixels + "99999999999\n"}};
  for (const auto& [what, lines] : bad) {
    test::write_gzip(folder / "digits.csv.gz", good + lines);
    const std::string error = test::error_of([&] { data::read_digits(folder.path()); });
    BOOST_TEST(contains(error, "digits.csv.gz line 51"), what << ": " << error);
  }
  for (const std::string& text : {std::string(" "), pixels + "1\n", std::string("\n")}) {
    test::write(folder / "digits.csv.gz", text);
    BOOST_TEST(
        contains(test::error_of([&] { data::read_digits(folder.path()); }), "digits.csv.gz"));
  }
}

BOOST_AUTO_TEST_CASE(the_real_digits_are_complete_and_balanced) {
  data::Dataset digits;
  try {
    digits = data::open_dataset({.name = "digits"});
  } catch (const Error& error) {
    return test::skip(error.what());
  }
  BOOST_TEST(data::size(digits, digits.train) + data::size(digits, digits.validation) == 1797);
  const at::Tensor train = at::bincount(digits.train.labels, {}, 10);
  const at::Tensor validation = at::bincount(digits.validation.labels, {}, 10);
  // A fifth of each class, rounded down.
  BOOST_TEST(at::equal(validation, (train + validation).floor_divide(5)));
  BOOST_TEST(validation.min().item<int64_t>() >= 34);
  const data::Batch all =
      data::gather(digits, digits.train, at::arange(digits.train.labels.size(0)));
  BOOST_TEST(all.input.min().item<double>() == 0.0);
  BOOST_TEST(all.input.max().item<double>() == 1.0);
}

BOOST_AUTO_TEST_SUITE_END()
