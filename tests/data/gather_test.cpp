#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/data/readers.hpp"
#include "tests/support.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(gather_test)

BOOST_AUTO_TEST_CASE(pixels_are_value_over_scale_rounded_once) {
  for (const int scale : {16, 255}) {
    data::Dataset dataset;
    dataset.input = {.channels = 1, .height = 1, .width = 1};
    dataset.scale = scale;
    dataset.train = {at::arange(scale + 1, at::kByte).view({-1, 1, 1, 1}),
                     at::arange(scale + 1, at::kLong)};
    const data::Batch batch = data::gather(dataset, dataset.train, at::arange(scale + 1));
    BOOST_TEST((batch.input.scalar_type() == at::kFloat));
    for (int v = 0; v <= scale; ++v) {
      BOOST_TEST(batch.input[v].item<float>() == static_cast<float>(v) / static_cast<float>(scale));
    }
    BOOST_TEST(batch.input.max().item<float>() == 1.0f);
    BOOST_TEST(batch.label.sizes() == (at::IntArrayRef{scale + 1, 1}));
  }
}

BOOST_AUTO_TEST_CASE(images_come_with_their_labels_repeats_included) {
  const data::Dataset images = data::synthetic_images();
  const at::Tensor indices = at::tensor({5, 0, 5, 239}, at::kLong);
  const data::Batch batch = data::gather(images, images.train, indices);
  for (int64_t i = 0; i < 4; ++i) {
    const auto from = indices[i].item<int64_t>();
    BOOST_TEST(at::equal(batch.input[i] * 255, images.train.values[from].to(at::kFloat)));
    BOOST_TEST(at::equal(batch.label[i][0], images.train.labels[from]));
  }
  BOOST_CHECK_THROW(data::gather(images, images.train, at::tensor({240}, at::kLong)), c10::Error);
}

BOOST_AUTO_TEST_CASE(windows_agree_with_a_naive_loop) {
  const std::string text = data::synthetic_sentences();
  for (const int64_t context : {1, 7, 64}) {
    const data::Dataset dataset =
        data::open_dataset({.name = "synthetic_text", .context = context});
    for (const data::Split* split : {&dataset.train, &dataset.validation}) {
      const int64_t first = split == &dataset.train ? 0 : dataset.train.values.size(0);
      const int64_t examples = data::size(dataset, *split);
      const at::Tensor indices = at::tensor({int64_t{0}, examples - 1, examples / 2}, at::kLong);
      const data::Batch batch = data::gather(dataset, *split, indices);
      BOOST_TEST(batch.input.sizes() == (at::IntArrayRef{3, context}));
      BOOST_TEST(batch.label.sizes() == (at::IntArrayRef{3, context}));
      for (int64_t i = 0; i < 3; ++i) {
        const int64_t start = first + indices[i].item<int64_t>() * split->stride;
        for (int64_t j = 0; j < context; ++j) {
          BOOST_TEST(dataset.symbols[batch.input[i][j].item<int64_t>()] == text[start + j]);
          BOOST_TEST(dataset.symbols[batch.label[i][j].item<int64_t>()] == text[start + j + 1]);
        }
      }
      BOOST_CHECK_THROW(data::gather(dataset, *split, at::tensor({examples}, at::kLong)),
                        c10::Error);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
