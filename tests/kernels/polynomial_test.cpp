#include "kernels/polynomial.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "tests/support.hpp"

using namespace taut;
using kernels::polynomial_update;

namespace {

// |got - (a x + b z)| <= 3 u (|a x| + |b z|): two products, one sum, coefficients rounded to the
// dtype.
void check_update(const at::Tensor& x, const at::Tensor& z, double a, double b) {
  const at::Tensor got = polynomial_update(a, x, b, z).to(at::kCPU, at::kDouble);
  const at::Tensor ax = x.to(at::kCPU, at::kDouble) * a, bz = z.to(at::kCPU, at::kDouble) * b;
  const double unit = x.scalar_type() == at::kFloat ? 0x1p-24 : 0x1p-53;
  const at::Tensor allowed = (ax.abs() + bz.abs()) * (3.1 * unit);
  BOOST_REQUIRE(got.sizes() == x.sizes());
  BOOST_TEST(((got - ax - bz).abs() <= allowed + 4e-16 * (ax.abs() + bz.abs())).all().item<bool>());
}

void check_sizes(at::Device device) {
  const at::Generator random = make_generator(test::seed());
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    for (const int64_t size : {0, 1, 3, 4, 5, 255, 1025, 70001}) {
      const at::Tensor x = at::randn({size + 1}, random, dtype).to(device);
      const at::Tensor z = at::randn({size + 1}, random, dtype).to(device);
      check_update(x, z, 1.25, -3.7);
      check_update(x.slice(0, 1), z.slice(0, 1), -0.3, 1e3);  // unaligned
      check_update(x.slice(0, 1), z.slice(0, 0, size), 2, 1);
    }
    const at::Tensor square = at::randn({2, 7, 7}, random, dtype).to(device);
    check_update(square.mT(), square, 0.5, 0.5);  // strided
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(polynomial_test)

BOOST_AUTO_TEST_CASE(is_a_x_plus_b_z_on_the_cpu) { check_sizes(at::kCPU); }

BOOST_AUTO_TEST_CASE(is_a_x_plus_b_z_on_cuda) {
  if (!at::globalContext().hasCUDA()) return test::skip("no CUDA device");
  check_sizes(at::Device(at::kCUDA, 0));
}

BOOST_AUTO_TEST_CASE(tensors_that_do_not_match_are_refused) {
  const at::Tensor x = at::ones({2, 3});
  BOOST_CHECK_THROW(polynomial_update(1, x, 1, at::ones({3, 2})), Error);
  BOOST_CHECK_THROW(polynomial_update(1, x, 1, at::ones({2, 3}, at::kDouble)), Error);
  BOOST_CHECK_THROW(polynomial_update(1, x.to(at::kHalf), 1, x.to(at::kHalf)), Error);
}

BOOST_AUTO_TEST_SUITE_END()
