#include "src/data/token_shards.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <fstream>
#include <numeric>

#include "src/core/core.hpp"
#include "tests/data/making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

namespace {

std::vector<uint16_t> counting(size_t count, int from = 0) {
  std::vector<uint16_t> tokens(count);
  std::iota(tokens.begin(), tokens.end(), static_cast<uint16_t>(from));
  return tokens;
}

// A header and `tokens` tokens of zeros that take no room on disk.
void write_sparse(const std::filesystem::path& path, int32_t tokens) {
  std::array<int32_t, 256> header{20240520, 1, tokens};
  std::string bytes(1024, '\0');
  std::memcpy(bytes.data(), header.data(), sizeof header);
  test::write(path, bytes);
  std::filesystem::resize_file(path, 1024 + 2 * static_cast<uintmax_t>(tokens));
}

data::DataOptions shards_in(const test::TempFolder& folder, int64_t context, int64_t vocabulary) {
  return {.name = "shards:" + folder.path().string(), .context = context, .vocabulary = vocabulary};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(token_shards_test)

// Byte for byte what llm.c's write_datafile writes, the size of the vocabulary apart.
BOOST_AUTO_TEST_CASE(the_layout_is_that_of_llm_c) {
  const test::TempFolder folder;
  data::write_shard(folder / "a.bin", std::vector<uint16_t>{1, 513, 65535}, 0);
  std::string expected(1024, '\0');
  expected.replace(0, 12, std::string("\x88\xd8\x34\x01\x01\0\0\0\x03\0\0\0", 12));
  expected += std::string("\x01\0\x01\x02\xff\xff", 6);
  BOOST_TEST((test::read(folder / "a.bin") == expected));
  const data::Shard shard = data::open_shard(folder / "a.bin");
  BOOST_TEST((std::vector<uint16_t>(shard.tokens.begin(), shard.tokens.end()) ==
              std::vector<uint16_t>{1, 513, 65535}));
  BOOST_TEST(shard.vocabulary == 0);
}

BOOST_AUTO_TEST_CASE(windows_lie_side_by_side_in_the_order_of_the_names_and_cross_no_border) {
  const test::TempFolder folder;
  data::write_shard(folder / "x_train_000001.bin", counting(9, 100), 1000);
  data::write_shard(folder / "x_train_000000.bin", counting(8), 1000);
  data::write_shard(folder / "x_train_000002.bin", counting(3, 500), 1000);  // too short for one
  data::write_shard(folder / "x_train_000003.bin", counting(4, 900), 1000);
  data::write_shard(folder / "x_val_000000.bin", counting(20, 200), 1000);
  test::write(folder / "x_train_notes.txt", "no shard");
  const data::Dataset dataset = data::open_dataset(shards_in(folder, 3, 0));
  BOOST_TEST(dataset.classes == 1000);
  BOOST_TEST(dataset.input.vocabulary == 1000);
  BOOST_TEST(data::size(dataset, dataset.train) == 2 + 2 + 0 + 1);
  BOOST_TEST(data::size(dataset, dataset.validation) == 6);
  const data::Batch batch =
      data::gather(dataset, dataset.train, at::tensor({4, 0, 3, 1, 2}, at::kLong));
  const at::Tensor starts = at::tensor({900, 0, 103, 3, 100}, at::kLong).unsqueeze(1);
  BOOST_TEST(at::equal(batch.input, starts + at::arange(3)));
  BOOST_TEST(at::equal(batch.label, starts + at::arange(1, 4)));
  const data::Batch held = data::gather(dataset, dataset.validation, at::tensor({5}, at::kLong));
  BOOST_TEST(at::equal(held.label, at::tensor({216, 217, 218}, at::kLong).unsqueeze(0)));
  BOOST_TEST(contains(dataset.source, "x_train_000001.bin 9 tokens"));
}

BOOST_AUTO_TEST_CASE(a_shard_whose_size_and_header_disagree_is_refused) {
  const test::TempFolder folder;
  data::write_shard(folder / "good", counting(100), 256);
  const std::string good = test::read(folder / "good");
  const auto error = [&](std::string bytes) {
    test::write(folder / "bad", bytes);
    const std::string text = test::error_of([&] { data::open_shard(folder / "bad"); });
    BOOST_TEST(contains(text, (folder / "bad").string()), text);
    return text;
  };
  const auto with = [&](size_t slot, int32_t value) {
    std::string bytes = good;
    std::memcpy(bytes.data() + 4 * slot, &value, 4);
    return bytes;
  };
  BOOST_TEST(contains(error(good.substr(0, good.size() - 1)), "the file has 199"));
  BOOST_TEST(contains(error(good + "x"), "the file has 201"));
  BOOST_TEST(contains(error(good.substr(0, 1023)), "header of 1024 bytes"));
  BOOST_TEST(contains(error(""), "header of 1024 bytes"));
  BOOST_TEST(contains(error(with(0, 20240801)), "magic"));
  BOOST_TEST(contains(error(with(1, 7)), "version"));
  BOOST_TEST(contains(error(with(2, -5)), "> 0, got -5"));
  BOOST_TEST(contains(error(with(2, 0)), "> 0, got 0"));
  BOOST_TEST(contains(error(with(2, 2147483647)), "take 4294967294 bytes"));
  BOOST_TEST(contains(error(with(3, 65537)), "vocabulary"));
  BOOST_TEST(contains(error(with(3, -1)), "vocabulary"));
  BOOST_TEST(
      contains(test::error_of([&] { data::open_shard(folder.path()); }), folder.path().string()));
}

BOOST_AUTO_TEST_CASE(a_vocabulary_must_be_said_once_and_alike) {
  const test::TempFolder folder;
  const auto error = [&](const data::DataOptions& options) {
    return test::error_of([&] { data::open_dataset(options); });
  };
  BOOST_TEST(contains(error(shards_in(folder, 3, 0)), "expected token shards *_train_*.bin"));
  data::write_shard(folder / "x_train_0.bin", counting(30), 0);
  BOOST_TEST(contains(error(shards_in(folder, 3, 0)), "expected token shards *_val_*.bin"));
  data::write_shard(folder / "x_val_0.bin", counting(30), 0);
  BOOST_TEST(contains(error(shards_in(folder, 3, 0)), "data.vocabulary (50257 for GPT-2)"));
  BOOST_TEST(error(shards_in(folder, 3, 50257)) == "");
  BOOST_TEST(contains(error(shards_in(folder, 3, 65537)), "2 to 65536"));
  BOOST_TEST(contains(error(shards_in(folder, 30, 256)), "context + 1 = 31 tokens"));
  data::DataOptions bytes = shards_in(folder, 3, 0);
  bytes.tokenizer = "byte";
  BOOST_TEST(data::open_dataset(bytes).classes == 256);
  bytes.vocabulary = 255;
  BOOST_TEST(contains(error(bytes), "have a vocabulary of 256, data.vocabulary says 255"));
  bytes.vocabulary = 384;  // more are padding
  BOOST_TEST(data::open_dataset(bytes).classes == 384);
  BOOST_TEST(data::open_dataset(bytes).input.vocabulary == 384);
  bytes.tokenizer = "word";
  BOOST_TEST(contains(error(bytes), "byte or bpe:FOLDER"));
  data::write_shard(folder / "x_val_0.bin", counting(30), 300);
  BOOST_TEST(contains(error(shards_in(folder, 3, 299)), "data.vocabulary says 299"));
  data::write_shard(folder / "x_val_1.bin", counting(30), 301);
  BOOST_TEST(contains(error(shards_in(folder, 3, 0)), "has a vocabulary of 301"));
}

BOOST_AUTO_TEST_CASE(a_shard_named_as_both_parts_is_refused) {
  const test::TempFolder folder;
  data::write_shard(folder / "x_val_y_train_000000.bin", counting(20), 1000);
  data::write_shard(folder / "x_val_000000.bin", counting(20), 1000);
  const std::string error = test::error_of([&] { data::open_dataset(shards_in(folder, 4, 1000)); });
  BOOST_TEST(contains(error, "x_val_y_train_000000.bin is named as training and as validation"));
}

BOOST_AUTO_TEST_CASE(an_id_outside_the_vocabulary_is_named_when_it_is_reached) {
  const test::TempFolder folder;
  data::write_shard(folder / "x_train_0.bin", counting(30), 25);
  data::write_shard(folder / "x_val_0.bin", counting(20), 25);
  const data::Dataset dataset = data::open_dataset(shards_in(folder, 4, 64));  // padded
  data::gather(dataset, dataset.train, at::tensor({0, 5}, at::kLong));
  const std::string error = test::error_of([&] {
    data::gather(dataset, dataset.train, at::tensor({0, 6}, at::kLong));
  });
  BOOST_TEST(contains(error, "x_train_0.bin: token 25 is 25, the vocabulary has 25"), error);
}

// Twelve gigabytes, of which opening reads four pages. The limit is generous: reading them would
// take seconds.
BOOST_AUTO_TEST_CASE(large_shards_open_at_once) {
  const test::TempFolder folder;
  constexpr int32_t kTokens = 2147483647;
  try {
    for (const char* name : {"x_train_0.bin", "x_train_1.bin", "x_train_2.bin"}) {
      write_sparse(folder / name, kTokens);
    }
  } catch (const std::filesystem::filesystem_error& error) {
    return test::skip(error.what());
  }
  write_sparse(folder / "x_val_0.bin", 5000);
  const Stopwatch watch;
  const data::Dataset dataset = data::open_dataset(shards_in(folder, 1024, 50257));
  data::Order order(data::size(dataset, dataset.train), 1);
  const data::Batch batch = data::gather(dataset, dataset.train, order.next(5000000, 8));
  const double seconds = watch.seconds();
  fmt::print("opened and gathered in {:.3f} ms\n", 1000 * seconds);
  BOOST_TEST(seconds < 0.25);
  BOOST_TEST(data::size(dataset, dataset.train) == 3 * int64_t{(kTokens - 1025) / 1024 + 1});
  BOOST_TEST((batch.input.sizes() == at::IntArrayRef{8, 1024}));
}

BOOST_AUTO_TEST_SUITE_END()
