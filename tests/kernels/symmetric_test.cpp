#include "kernels/symmetric.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "tests/support.hpp"

using namespace taut;

namespace {

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
                                    {1, 130, 257}}) {
    const at::Tensor x = at::randn({batch, n, m}, random, dtype).to(device);
    const at::Tensor wide = x.to(at::kCPU, at::kDouble);
    const at::Tensor gram = kernels::gram_product(x);
    check_close(gram, at::matmul(wide, wide.mT()), at::matmul(wide.abs(), wide.abs().mT()), m);
    if (x.is_cuda()) BOOST_TEST(at::equal(gram, gram.mT()));

    const at::Tensor r = (gram + gram.mT()) / 2, r_wide = r.to(at::kCPU, at::kDouble);
    check_close(kernels::quadratic(0.3, r, -1.7), 0.3 * r_wide - 1.7 * at::matmul(r_wide, r_wide),
                0.3 * r_wide.abs() + 1.7 * at::matmul(r_wide.abs(), r_wide.abs()), n);
    check_close(kernels::symmetric_times(-2.5, x, r), -2.5 * wide + at::matmul(r_wide, wide),
                2.5 * wide.abs() + at::matmul(r_wide.abs(), wide.abs()), n);
    // Strided operands are what tall matrices bring.
    const at::Tensor tall = x.mT().contiguous().mT();
    check_close(kernels::gram_product(tall), at::matmul(wide, wide.mT()),
                at::matmul(wide.abs(), wide.abs().mT()), m);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(symmetric_test)

BOOST_AUTO_TEST_CASE(products_are_those_of_real_numbers) {
  for (const auto dtype : {at::kFloat, at::kDouble}) check_products(at::kCPU, dtype);
}

BOOST_AUTO_TEST_CASE(products_are_those_of_real_numbers_on_cuda) {
  if (!at::globalContext().hasCUDA()) return test::skip("no CUDA device");
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    check_products(at::Device(at::kCUDA, 0), dtype);
  }
}

BOOST_AUTO_TEST_CASE(matrices_that_do_not_multiply_are_refused) {
  const at::Tensor x = at::ones({1, 2, 3});
  BOOST_CHECK_THROW(kernels::gram_product(at::ones({2, 3})), Error);
  BOOST_CHECK_THROW(kernels::quadratic(1, x, 1), Error);
  BOOST_CHECK_THROW(kernels::symmetric_times(1, x, at::ones({1, 3, 3})), Error);
  BOOST_CHECK_THROW(kernels::symmetric_times(1, x, at::ones({2, 2, 2})), Error);
  BOOST_CHECK_THROW(kernels::symmetric_times(1, x, at::ones({1, 2, 2}, at::kDouble)), Error);
}

BOOST_AUTO_TEST_SUITE_END()
