#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/data/readers.hpp"
#include "tests/data/making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

namespace {

std::string idx(uint32_t magic, const std::vector<uint32_t>& sizes, const std::string& values) {
  std::string bytes;
  const auto put = [&](uint32_t v) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(v >> shift & 0xff);
  };
  put(magic);
  for (const uint32_t size : sizes) put(size);
  return bytes + values;
}

std::string counting(int n) {
  std::string values;
  for (int i = 0; i < n; ++i) values += static_cast<char>(i * 7 % 256);
  return values;
}

void write_mnist(const test::TempFolder& folder) {
  test::write(folder / "train-images-idx3-ubyte", idx(0x803, {3, 5, 4}, counting(60)));
  test::write(folder / "train-labels-idx1-ubyte", idx(0x801, {3}, std::string("\x04\x00\x09", 3)));
  test::write_gzip(folder / "t10k-images-idx3-ubyte.gz", idx(0x803, {2, 5, 4}, counting(40)));
  test::write_gzip(folder / "t10k-labels-idx1-ubyte.gz",
                   idx(0x801, {2}, std::string("\x01\x02", 2)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mnist_test)

BOOST_AUTO_TEST_CASE(plain_and_packed_idx_files_are_read) {
  const test::TempFolder folder;
  write_mnist(folder);
  const data::Dataset mnist = data::read_mnist(folder.path());
  BOOST_TEST(mnist.train.values.sizes() == (at::IntArrayRef{3, 1, 5, 4}));
  BOOST_TEST(mnist.validation.values.sizes() == (at::IntArrayRef{2, 1, 5, 4}));
  const at::Tensor expected = (at::arange(60, at::kLong) * 7).remainder(256);
  BOOST_TEST(at::equal(mnist.train.values.to(at::kLong).flatten(), expected));
  BOOST_TEST(at::equal(mnist.train.labels, at::tensor({4, 0, 9}, at::kLong)));
  BOOST_TEST(at::equal(mnist.validation.labels, at::tensor({1, 2}, at::kLong)));
  BOOST_TEST((mnist.input == models::InputSpec{.channels = 1, .height = 5, .width = 4}));
}

BOOST_AUTO_TEST_CASE(malformed_images_are_errors_that_name_the_file) {
  const std::string values = counting(60);
  const std::string cases[] = {
      "x",                                                       // no header
      idx(0x803, {3, 5, 4}, values).substr(0, 16),               // nothing after it
      idx(0x801, {3, 5, 4}, values),                             // magic of labels
      idx(0x03080000, {3, 5, 4}, values),                        // little-endian
      idx(0x803, {3, 5, 4}, values.substr(1)),                   // truncated
      idx(0x803, {3, 5, 4}, values + "x"),                       // too long
      idx(0x803, {0, 5, 4}, values),                             // empty
      idx(0x803, {0xffffffff, 0xffffffff, 0xffffffff}, values),  // product overflows
      idx(0x803, {968973220, 49477, 384773}, "four"),            // product is 2^64 + 4
      idx(0x803, {2, 5, 4}, counting(40)),                       // one image fewer than labels
      idx(0x803, {3, 4, 5}, values),                             // not the size of t10k
  };
  for (const std::string& bytes : cases) {
    const test::TempFolder folder;
    write_mnist(folder);
    test::write(folder / "train-images-idx3-ubyte", bytes);
    const std::string error = test::error_of([&] { data::read_mnist(folder.path()); });
    BOOST_TEST(contains(error, folder.path().string()), error);
  }
}

BOOST_AUTO_TEST_CASE(labels_out_of_range_are_errors_that_name_the_file) {
  const test::TempFolder folder;
  write_mnist(folder);
  test::write(folder / "train-labels-idx1-ubyte", idx(0x801, {3}, "\x01\x0a\x02"));
  const std::string error = test::error_of([&] { data::read_mnist(folder.path()); });
  BOOST_TEST(contains(error, "train-labels-idx1-ubyte"), error);
  BOOST_TEST(contains(error, "got 10"), error);
}

BOOST_AUTO_TEST_SUITE_END()
