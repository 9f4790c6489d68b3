#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/data/readers.hpp"
#include "tests/data/making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::cifar_record;
using test::contains;

namespace {

// One record in each file but the second, which has two.
void write_batches(const test::TempFolder& folder) {
  for (int i = 1; i <= 5; ++i) {
    std::string records = cifar_record(i, i);
    if (i == 2) records += cifar_record(9, 100);
    test::write(folder / fmt::format("data_batch_{}.bin", i), records);
  }
  test::write(folder / "test_batch.bin", cifar_record(0, 7));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cifar10_test)

BOOST_AUTO_TEST_CASE(records_of_all_batches_are_read_in_order) {
  const test::TempFolder folder;
  write_batches(folder);
  const data::Dataset cifar = data::read_cifar10(folder.path());
  BOOST_TEST(at::equal(cifar.train.labels, at::tensor({1, 2, 9, 3, 4, 5}, at::kLong)));
  BOOST_TEST(at::equal(cifar.validation.labels, at::zeros({1}, at::kLong)));
  BOOST_TEST(cifar.train.values.sizes() == (at::IntArrayRef{6, 3, 32, 32}));
  BOOST_TEST((cifar.train.values.scalar_type() == at::kByte));
  const at::Tensor count = at::arange(3072, at::kLong).view({3, 32, 32});
  const std::vector<int64_t> firsts{1, 2, 100, 3, 4, 5};
  for (int64_t i = 0; i < 6; ++i) {
    BOOST_TEST(at::equal(cifar.train.values[i].to(at::kLong), (count + firsts[i]).remainder(256)));
  }
  // A single record must be a copy, not a view of a buffer that is gone.
  BOOST_TEST(at::equal(cifar.validation.values[0].to(at::kLong), (count + 7).remainder(256)));
  BOOST_TEST((cifar.input == models::InputSpec{.channels = 3, .height = 32, .width = 32}));
  for (int i = 1; i <= 5; ++i) {
    BOOST_TEST(contains(cifar.source, fmt::format("data_batch_{}.bin sha256 ", i)));
  }
}

BOOST_AUTO_TEST_CASE(malformed_batches_are_errors_that_name_the_file) {
  const std::string record = cifar_record(1, 1);
  const std::string cases[] = {"", record.substr(0, 3072), record + "x", cifar_record(10, 0),
                               record + cifar_record(255, 0)};
  for (const std::string& bytes : cases) {
    const test::TempFolder folder;
    write_batches(folder);
    test::write(folder / "data_batch_4.bin", bytes);
    const std::string error = test::error_of([&] { data::read_cifar10(folder.path()); });
    BOOST_TEST(contains(error, "data_batch_4.bin"), error);
  }
  const test::TempFolder folder;
  write_batches(folder);
  std::filesystem::remove(folder / "test_batch.bin");
  BOOST_TEST(
      contains(test::error_of([&] { data::read_cifar10(folder.path()); }), "test_batch.bin"));
}

BOOST_AUTO_TEST_CASE(the_real_cifar10_is_complete_and_balanced) {
  data::Dataset cifar;
  try {
    cifar = data::open_dataset({.name = "cifar10"});
  } catch (const Error& error) {
    return test::skip(error.what());
  }
  BOOST_TEST(at::equal(at::bincount(cifar.train.labels, {}, 10), at::full({10}, 5000, at::kLong)));
  BOOST_TEST(
      at::equal(at::bincount(cifar.validation.labels, {}, 10), at::full({10}, 1000, at::kLong)));
  // The means that everyone quotes: 0.4914, 0.4822, 0.4465.
  const data::Batch some = data::gather(cifar, cifar.train, at::arange(0, 50000, 10));
  const at::Tensor mean = some.input.mean({0, 2, 3});
  BOOST_TEST((mean - at::tensor({0.4914, 0.4822, 0.4465}, at::kFloat)).abs().max().item<double>() <
             0.01);
  BOOST_TEST(some.input.max().item<double>() == 1.0);
  BOOST_TEST(some.input.min().item<double>() == 0.0);
}

BOOST_AUTO_TEST_SUITE_END()
