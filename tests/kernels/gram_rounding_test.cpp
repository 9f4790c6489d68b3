// What rounding does to steps that run on the Gram matrix alone.
#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "kernels/orthogonalize.hpp"
#include "kernels/polar_sets.hpp"
#include "kernels/symmetric.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using namespace taut::kernels;

namespace {

// The product Q(r) of a set's steps in the eigenvalue r of X X^T.
Real product_of_steps(Polar polar, Real r) {
  Real q = 1;
  for (const Quintic& step : polar_steps(polar)) {
    const Real factor = step.a + r * (step.b + r * step.c);
    q *= factor;
    r *= factor * factor;
  }
  return q;
}

// The largest |dQ/dr| sigma on (0, 1], r = sigma^2: what an error of X X^T does to Q X.
Real steepest(Polar polar) {
  Real most = 0;
  for (int i = 0; i < 20000; ++i) {
    const Real r = std::pow(Real(10), Real(-12) * i / 20000), h = r * 1e-5;
    const Real rise = product_of_steps(polar, r + h) - product_of_steps(polar, r - h);
    most = std::max(most, std::fabs(rise / (2 * h)) * std::sqrt(r));
  }
  return most;
}

// How far this machine's products put X X^T and its square off, in the spectral norm, for the
// matrix over its own norm.
double product_error(const at::Tensor& matrix) {
  at::Tensor x = matrix.size(0) > matrix.size(1) ? matrix.t() : matrix;
  x = (x / at::linalg_matrix_norm(x, 2)).unsqueeze(0).contiguous();
  double most = 0;
  for (int power = 0; power < 2; ++power) {
    const at::Tensor got = at::empty({1, x.size(1), x.size(1)});
    symmetric_product(got, 0, {}, 1, x, x.mT());
    const at::Tensor wide = x.to(at::kDouble), exact = at::matmul(wide, wide.mT());
    most = std::max(most, at::linalg_matrix_norm(got - exact, 2).item<double>());
    x = got;
  }
  return most;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gram_rounding_test)

// Four steps of muon5 on the Gram matrix alone do with rounding what their derivative says and no
// more, whatever the gradient looks like. Products that are off by e put the Gram matrix off by e,
// and each step's R by under 60 e more (Z by 4 e, R (a I + Z) by 8 e, with ||Z|| < 3); a step
// multiplies by a^2 = 12, so that all count for 1 + 60 / 12 + 60 / 12^2 + ... < 7, and twice that
// as errors do not commute with R. Nearly rank-one ones of one sign are the hardest: e is largest
// there and a matter of the machine, hence measured.
BOOST_AUTO_TEST_CASE(four_steps_need_no_restart) {
  const Polar four{PolarSet::muon5, 4};
  const auto slope = static_cast<double>(steepest(four));
  BOOST_TEST((slope > 3000 && slope < 3005));
  constexpr double kUnit = 0x1p-24;
  at::Generator g = make_generator(seed());
  const auto draw = [&](int64_t rows, int64_t cols) { return at::randn({rows, cols}, g); };
  for (const auto& [rows, cols] :
       {std::pair(256, 3072), std::pair(1100, 70), std::pair(300, 900), std::pair(64, 20000)}) {
    const at::Tensor noise = draw(rows, cols), halves = noise.clone();
    halves.narrow(0, 0, rows / 2) *= 1e-4;
    for (const at::Tensor& x :
         {noise, at::ones_like(noise), 1e-4 * noise + 1, halves, at::relu(halves),
          at::matmul(draw(rows, 3), draw(3, cols)), noise * at::exp(-draw(1, cols).square() * 3)}) {
      const at::Tensor plain = orthogonalize(x, four, PolarForm::plain).to(at::kDouble);
      const at::Tensor gram = orthogonalize(x, four, PolarForm::gram).to(at::kDouble);
      const double apart = at::linalg_matrix_norm(gram - plain, 2).item<double>();
      BOOST_TEST(apart <= 14 * slope * (product_error(x) + kUnit));
      const double top = at::linalg_matrix_norm(gram, 2).item<double>();
      BOOST_TEST(top <= worst_output(four) * (1 + 1e-4));
    }
    // Where signs mix it is next to nothing.
    for (const at::Tensor& x : {noise, halves}) {
      BOOST_TEST(
          at::linalg_matrix_norm(
              orthogonalize(x, four, PolarForm::plain) - orthogonalize(x, four, PolarForm::gram), 2)
              .item<double>() < 1e-4);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
