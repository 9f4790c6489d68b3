#include "kernels/symmetric.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <limits>

#include "src/core/core.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using kernels::symmetric_product;

namespace {

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(symmetric_test)

// Sides around the edges of tiles, batches, and operands that are views.
BOOST_AUTO_TEST_CASE(tiles_make_the_whole_product) {
  at::Generator generator = make_generator(seed());
  for (const int64_t side : {1, 5, 191, 192, 193, 384, 385, 500}) {
    const int64_t batch = side % 3 + 1, length = side % 2 == 0 ? 70 : 257;
    const at::Tensor x = at::randn({batch, side, length}, generator, at::kDouble);
    const at::Tensor expected = at::matmul(x, x.mT());
    at::Tensor out =
        at::full({batch, side, side}, std::numeric_limits<double>::quiet_NaN(), at::kDouble);
    symmetric_product(out, 0, {}, 1, x, x.mT());
    BOOST_TEST(difference(out, expected) < 1e-11);
    const at::Tensor y = x.mT().contiguous();
    symmetric_product(out, 0, {}, -2, y.mT(), y);
    BOOST_TEST(difference(out, -2 * expected) < 1e-11);
  }
}

BOOST_AUTO_TEST_CASE(powers_of_one_matrix_commute) {
  at::Generator generator = make_generator(seed());
  for (const int64_t side : {3, 200, 400}) {
    const at::Tensor x = at::randn({2, side, side}, generator, at::kDouble) / double(side);
    const at::Tensor a = at::matmul(x, x.mT()), b = at::matmul(a, a);
    const at::Tensor expected = 0.5 * a - 3 * at::matmul(a, b);
    at::Tensor out = at::empty_like(a);
    symmetric_product(out, 0.5, a, -3, a, b);
    BOOST_TEST(difference(out, expected) < 1e-13);
    out.copy_(a);
    symmetric_product(out, 0.5, out, -3, a, b);  // in place of what is added
    BOOST_TEST(difference(out, expected) < 1e-13);
  }
}

BOOST_AUTO_TEST_SUITE_END()
