#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "src/data/readers.hpp"
#include "tests/support.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(synthetic_test)

BOOST_AUTO_TEST_CASE(images_are_balanced_in_range_and_told_apart_by_their_class_means) {
  const data::Dataset images = data::open_dataset({.name = "synthetic"});
  const data::Batch train = data::gather(images, images.train, at::arange(240));
  const data::Batch validation = data::gather(images, images.validation, at::arange(120));
  BOOST_TEST(train.input.sizes() == (at::IntArrayRef{240, 1, 4, 4}));
  BOOST_TEST(at::equal(at::bincount(images.train.labels), at::full({3}, 80, at::kLong)));
  BOOST_TEST(train.input.min().item<double>() >= 0);
  BOOST_TEST(train.input.max().item<double>() <= 1);
  std::vector<at::Tensor> means;
  for (int64_t c = 0; c < 3; ++c) {
    means.push_back(train.input.index({train.label.squeeze(1) == c}).mean(0).flatten());
  }
  const at::Tensor distance = at::cdist(validation.input.flatten(1), at::stack(means));
  const at::Tensor hit = distance.argmin(1).eq(validation.label.squeeze(1));
  BOOST_TEST(hit.to(at::kDouble).mean().item<double>() > 0.95);
  BOOST_TEST(!at::equal(train.input.narrow(0, 0, 120), validation.input));
}

BOOST_AUTO_TEST_CASE(images_and_text_are_the_same_every_time) {
  for (const char* name : {"synthetic", "synthetic_text"}) {
    const data::Dataset a = data::open_dataset({.name = name}),
                        b = data::open_dataset({.name = name});
    BOOST_TEST(at::equal(a.train.values, b.train.values));
    BOOST_TEST(at::equal(a.validation.values, b.validation.values));
    BOOST_TEST(a.source == "made in memory");
    BOOST_TEST(a.name == name);
  }
}

// Conditional entropy of the next symbol, in nats: one symbol of context must help, three more so.
BOOST_AUTO_TEST_CASE(text_has_twelve_symbols_and_rewards_context) {
  const std::string text = data::synthetic_sentences();
  const auto entropy = [&](size_t context) {
    std::map<std::string, std::map<char, double>> counts;
    for (size_t i = context; i < text.size(); ++i)
      ++counts[text.substr(i - context, context)][text[i]];
    double nats = 0;
    for (const auto& [before, next] : counts) {
      double total = 0;
      for (const auto& [symbol, count] : next) total += count;
      for (const auto& [symbol, count] : next) nats -= count * std::log(count / total);
    }
    return nats / static_cast<double>(text.size());
  };
  BOOST_TEST(data::open_dataset({.name = "synthetic_text"}).symbols == " .abcdefghij");
  BOOST_TEST(entropy(0) > 2.2);
  BOOST_TEST(entropy(1) < 1.3);
  BOOST_TEST(entropy(4) < 0.7);
}

BOOST_AUTO_TEST_SUITE_END()
