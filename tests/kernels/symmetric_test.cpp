#include "kernels/symmetric.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <limits>

#include "src/core/core.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using kernels::symmetric_product;
using kernels::symmetric_times;

namespace {

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

double unit_of(const at::Tensor& x) { return x.scalar_type() == at::kFloat ? 0x1p-24 : 0x1p-53; }

// |got - expected| <= gamma_{k + 5} magnitude, for inner products of length k and a blend.
void check_close(const at::Tensor& got, const at::Tensor& expected, const at::Tensor& magnitude,
                 int64_t k) {
  const double nu = static_cast<double>(k + 5) * unit_of(got);
  const at::Tensor wide = got.to(at::kCPU, at::kDouble);
  // The expected value is itself a double product.
  const double share = nu / (1 - nu) + static_cast<double>(k + 5) * 0x1p-52;
  BOOST_REQUIRE(got.sizes() == expected.sizes());
  BOOST_TEST(((wide - expected).abs() <= magnitude * share + 1e-40).all().item<bool>());
}

void check_products(at::Device device, at::ScalarType dtype) {
  const at::Generator random = make_generator(test::seed());
  for (const auto& [batch, n, m] : {std::array<int64_t, 3>{0, 3, 4},
                                    {1, 1, 1},
                                    {2, 5, 3},
                                    {1, 64, 64},
                                    {3, 33, 70},
                                    {2, 130, 257}}) {
    const at::Tensor x = at::randn({batch, n, m}, random, dtype).to(device);
    const at::Tensor wide = x.to(at::kCPU, at::kDouble);
    const at::Tensor gram = at::empty({batch, n, n}, x.options()), out = at::empty_like(gram);
    symmetric_product(gram, 0, {}, 1, x, x.mT());
    check_close(gram, at::matmul(wide, wide.mT()), at::matmul(wide.abs(), wide.abs().mT()), m);
    if (x.is_cuda()) BOOST_TEST(at::equal(gram, gram.mT()));

    const at::Tensor r = (gram + gram.mT()) / 2, r_wide = r.to(at::kCPU, at::kDouble);
    symmetric_product(out, 0.3, r, -1.7, r, r);
    if (batch > 0) {  // a factor for each matrix
      const at::Tensor each = at::rand({batch}, random, at::kDouble) + 0.5;
      const at::Tensor share = each.reshape({-1, 1, 1});
      const at::Tensor scaled = at::empty_like(gram);
      symmetric_product(scaled, 0, {}, -1.7, x, x.mT(), each.to(device));
      check_close(scaled, -1.7 * share * at::matmul(wide, wide.mT()),
                  1.7 * share * at::matmul(wide.abs(), wide.abs().mT()), m);
    }
    check_close(out, 0.3 * r_wide - 1.7 * at::matmul(r_wide, r_wide),
                0.3 * r_wide.abs() + 1.7 * at::matmul(r_wide.abs(), r_wide.abs()), n);
    const at::Tensor times = at::empty_like(x);
    symmetric_times(times, -2.5, x, r);
    check_close(times, -2.5 * wide + at::matmul(r_wide, wide),
                2.5 * wide.abs() + at::matmul(r_wide.abs(), wide.abs()), n);
    // Strided operands are what tall matrices bring.
    const at::Tensor tall = x.mT().contiguous().mT();
    symmetric_product(out, 0, {}, 1, tall, tall.mT());
    check_close(out, at::matmul(wide, wide.mT()), at::matmul(wide.abs(), wide.abs().mT()), m);
  }
}

// Sides around those of blocks, batches, and operands that are views.
void check_blocks() {
  at::Generator generator = make_generator(seed());
  for (const int64_t side : {1, 5, 127, 128, 129, 192, 256, 257, 385, 500}) {
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

}  // namespace

BOOST_AUTO_TEST_SUITE(symmetric_test)

BOOST_AUTO_TEST_CASE(blocks_make_the_whole_product_however_threads_divide_them) {
  for (const int threads : {1, 2, 5}) {
    at::set_num_threads(threads);
    check_blocks();
  }
  at::set_num_threads(1);
}

BOOST_AUTO_TEST_CASE(a_matrix_comes_to_the_same_bits_alone_and_beside_others) {
  at::Generator generator = make_generator(seed());
  at::set_num_threads(2);
  for (const int64_t side : {200, 384, 500}) {
    const at::Tensor x = at::randn({3, side, 90}, generator);
    at::Tensor all = at::empty({3, side, side});
    symmetric_product(all, 0, {}, 1, x, x.mT());
    for (int64_t i = 0; i < 3; ++i) {
      const at::Tensor one = x.narrow(0, i, 1);
      at::Tensor out = at::empty({1, side, side});
      symmetric_product(out, 0, {}, 1, one, one.mT());
      BOOST_TEST(at::equal(out[0], all[i]));
    }
  }
  at::set_num_threads(1);
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

BOOST_AUTO_TEST_CASE(products_are_those_of_real_numbers) {
  for (const auto dtype : {at::kFloat, at::kDouble}) check_products(at::kCPU, dtype);
}

BOOST_AUTO_TEST_CASE(products_are_those_of_real_numbers_on_cuda) {
  if (!at::globalContext().hasCUDA()) return skip("no CUDA device");
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    check_products(at::Device(at::kCUDA, 0), dtype);
  }
}

BOOST_AUTO_TEST_CASE(matrices_that_do_not_multiply_are_refused) {
  const at::Tensor x = at::ones({1, 2, 3}), square = at::ones({1, 2, 2});
  BOOST_CHECK_THROW(symmetric_product(square, 0, {}, 1, at::ones({2, 3}), x.mT()), Error);
  BOOST_CHECK_THROW(symmetric_product(square, 0, {}, 1, x, x), Error);
  BOOST_CHECK_THROW(symmetric_product(x, 0, {}, 1, square, x), Error);
  BOOST_CHECK_THROW(symmetric_times(at::empty_like(x), 1, x, at::ones({1, 3, 3})), Error);
  BOOST_CHECK_THROW(symmetric_times(at::empty_like(x), 1, x, at::ones({2, 2, 2})), Error);
  BOOST_CHECK_THROW(symmetric_times(at::empty_like(x), 1, x, at::ones({1, 2, 2}, at::kDouble)),
                    Error);
}

BOOST_AUTO_TEST_SUITE_END()
