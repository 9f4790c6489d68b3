#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "src/core/core.hpp"
#include "src/data/data.hpp"
#include "tests/support.hpp"

using namespace taut;

namespace {

// Every pixel its own value, so that a window says where it was cut.
at::Tensor numbered(int64_t rows) {
  return at::arange(1, 2 * 4 * 5 + 1, at::kFloat).view({1, 2, 4, 5}).repeat({rows, 1, 1, 1});
}

// The window of the bordered image at (down, right), by loops.
at::Tensor window(const at::Tensor& image, int64_t border, int64_t down, int64_t right) {
  at::Tensor out = at::zeros_like(image);
  for (int64_t c = 0; c < image.size(0); ++c) {
    for (int64_t i = 0; i < image.size(1); ++i) {
      for (int64_t j = 0; j < image.size(2); ++j) {
        const int64_t y = i + down - border, x = j + right - border;
        if (y >= 0 && y < image.size(1) && x >= 0 && x < image.size(2))
          out[c][i][j] = image[c][y][x];
      }
    }
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(augment_test)

BOOST_AUTO_TEST_CASE(every_window_and_both_sides_are_drawn_and_nothing_else) {
  const at::Tensor images = numbered(600);
  const at::Tensor out = data::augment(images, {true, 1, 0}, test::seed());
  std::set<int> seen;
  for (int64_t row = 0; row < 600; ++row) {
    int found = -1;
    for (int place = 0; place < 18 && found < 0; ++place) {
      at::Tensor expected = window(images[row], 1, place / 3 % 3, place % 3);
      if (place >= 9) expected = expected.flip(2);
      if (out[row].equal(expected)) found = place;
    }
    BOOST_REQUIRE(found >= 0);
    seen.insert(found);
  }
  BOOST_TEST(seen.size() == 18u);  // each is missed with probability (17/18)^600 < 1e-14
}

// Two ids, one three times as frequent: a replacement by the other one is seen.
BOOST_AUTO_TEST_CASE(a_share_of_tokens_is_replaced_by_others_of_the_batch) {
  const at::Tensor ids =
      at::cat({at::zeros({50, 100}, at::kLong), at::ones({150, 100}, at::kLong)}) + 5;
  const at::Tensor out = data::augment(ids, {false, 0, 0.2}, test::seed());
  BOOST_TEST((out.sizes() == ids.sizes()));
  BOOST_TEST(((out == 5) | (out == 6)).all().item<bool>());
  const auto changed = [&](int64_t first, int64_t rows) {
    return (out != ids).narrow(0, first, rows).to(at::kDouble).mean().item<double>();
  };
  // Three quarters of the tokens are 6. Four and a half deviations of 5,000 and of 15,000 draws.
  BOOST_TEST(std::abs(changed(0, 50) - 0.2 * 0.75) < 0.023);
  BOOST_TEST(std::abs(changed(50, 150) - 0.2 * 0.25) < 0.009);
  BOOST_TEST(!out.equal(data::augment(ids, {false, 0, 0.2}, test::seed() + 1)));
  BOOST_TEST(out.equal(data::augment(ids, {false, 0, 0.2}, test::seed())));
  BOOST_CHECK_THROW(data::augment(numbered(2), {false, 0, 0.2}, 1), Error);
}

BOOST_AUTO_TEST_CASE(the_key_decides_and_nothing_asked_changes_nothing) {
  const at::Tensor images = numbered(50);
  BOOST_TEST(data::augment(images, {}, 1).equal(images));
  BOOST_TEST(data::augment(images, {true, 2, 0}, 1).equal(data::augment(images, {true, 2, 0}, 1)));
  BOOST_TEST(!data::augment(images, {true, 2, 0}, 1).equal(data::augment(images, {true, 2, 0}, 2)));
  BOOST_CHECK_THROW(data::augment(at::zeros({3, 4}), {true, 0, 0}, 1), Error);
}

BOOST_AUTO_TEST_SUITE_END()
