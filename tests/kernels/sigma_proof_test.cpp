#include "kernels/sigma_proof.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "kernels/cholesky.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using namespace taut::kernels;

namespace {

// The smallest rho, to the last bit, whose factorisation completes: the hardest one for the
// theorem.
double smallest_completing(const Gram& g, double eigenvalue) {
  double low = eigenvalue * (1 - 1e-6), high = eigenvalue * (1 + 1e-6);
  BOOST_REQUIRE(cholesky_test(g, high).completed);
  while (true) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return high;
    (cholesky_test(g, middle).completed ? high : low) = middle;
  }
}

// One column of ones, each followed by entries whose squares a running sum of at least 1 loses.
at::Tensor losing_column() {
  at::Tensor column = at::full({8192, 1}, 0x1p-27, at::kDouble);
  column.slice(0, 0, 8192, 256).fill_(1);
  return column;
}

// Chunks after the first whose sum, just under half an ulp of 1, every addition of chunks loses.
at::Tensor losing_chunks() {
  at::Tensor column = at::zeros({60 * kGramChunk, 1}, at::kDouble);
  column.slice(0, kGramChunk, 60 * kGramChunk, kGramChunk).fill_(0x1p-27 * std::sqrt(1.999));
  column[0].fill_(1);
  return column;
}

at::Tensor hard_matrix(int draw, std::mt19937_64& random) {
  if (draw == 0) return losing_column();
  if (draw == 1) return losing_chunks();
  if (draw % 50 == 2) {  // several chunks, a ragged last one, wide and tall, positive
    const at::Tensor x =
        at::rand({int64_t(2500 + random() % 1000), 2}, make_generator(random()), at::kDouble);
    return random() % 2 == 0 ? x : x.t().contiguous();
  }
  const int64_t rows = 2 + random() % 60, cols = 2 + random() % 20;
  if (draw % 3 == 0) {  // positive entries: magnitudes and entries are the same thing
    return at::rand({rows, cols}, make_generator(random()), at::kDouble) + 0.5;
  }
  const Spectrum spectrum = spectrum_of(kShapes[draw % 6], std::min(rows, cols), random);
  return stored(with_spectrum(rows, cols, spectrum, random()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sigma_proof_test)

BOOST_AUTO_TEST_CASE(the_theorem_holds_at_the_smallest_rho_that_completes) {
  std::mt19937_64 random(seed());
  int needed = 0;
  Real most = 0;
  for (int draw = 0; draw < 300; ++draw) {
    const at::Tensor matrix = hard_matrix(draw, random);
    const ScaledMatrix a = scale_to_unit(matrix);
    const Real sigma = std::ldexp(largest_singular_value(matrix), -a.exponent);
    const Evidence e = gather(a);
    const double rho = smallest_completing(e.g, static_cast<double>(sigma * sigma));
    const Real bound = upper_if_completed(e, rho);
    BOOST_CHECK_MESSAGE(bound >= sigma, "draw " << draw << ": " << bound << " < " << sigma);
    const Real share = (sigma * sigma - rho) / (bound * bound - rho);
    most = std::max(most, share);
    needed += rho < sigma * sigma ? 1 : 0;
  }
  fmt::print("allowance needed by {} of 300, at most {:.3f} of it\n", needed,
             static_cast<double>(most));
  BOOST_TEST(needed > 0);  // or the test would not notice a missing allowance
}

BOOST_AUTO_TEST_CASE(the_bound_has_every_term_of_the_theorem) {
  std::mt19937_64 random(seed());
  for (int draw = 0; draw < 100; ++draw) {
    const ScaledMatrix a = scale_to_unit(hard_matrix(draw, random));
    const Evidence e = gather(a);
    const double rho = a.frobenius_sq * 1.1;
    const Real u = std::ldexp(1.0L, -53), m = a.long_side(), n = a.short_side();
    const Real terms_of_one = std::min<Real>(m, 1024) + std::ceil(m / 1024) - 1;
    const Real gamma_n = (n + 1) * u / (1 - (n + 1) * u);
    const Real gamma_m = terms_of_one * u / (1 - terms_of_one * u);
    Real trace = 0, most = 0, squares = 0;
    for (int64_t i = 0; i < e.g.size; ++i) {
      trace += rho - e.g.lower[i * e.g.size + i];  // rounded as the factorisation has it
      most = std::max(most, Real(e.g.lower[i * e.g.size + i]));
    }
    for (const double entry : a.entries) squares += Real(entry) * entry;
    const Real terms = gamma_n / (1 - gamma_n) * trace + 2 * u * (rho + most) + gamma_m * squares;
    const Real expected = std::sqrt(rho + terms) * (1 + 4 * u);
    BOOST_TEST(upper_if_completed(e, rho) >= expected);
    // Rounded up by an ulp (2 u) or two at the last sum (halved by the root), the root, the
    // product.
    BOOST_TEST(upper_if_completed(e, rho) <= expected * (1 + 8 * u));
  }
}

BOOST_AUTO_TEST_CASE(a_witness_is_below_its_own_quotient) {
  std::mt19937_64 random(seed());
  for (int draw = 0; draw < 100; ++draw) {
    const int64_t rows = 20 + random() % 20, cols = 5 + random() % 10;
    const at::Tensor matrix = at::rand({rows, cols}, make_generator(random()), at::kDouble);
    const ScaledMatrix a = scale_to_unit(matrix);
    std::vector<double> v(cols, 1 / std::sqrt(static_cast<double>(cols)));
    for (double& entry : v) entry += 1e-3 * static_cast<double>(random() % 100);
    Real image = 0, length = 0;
    for (int64_t i = 0; i < rows; ++i) {
      Real sum = 0;
      for (int64_t j = 0; j < cols; ++j) sum += Real(a.entries[i * cols + j]) * v[j];
      image += sum * sum;
    }
    for (const double entry : v) length += Real(entry) * entry;
    const Real quotient = std::sqrt(image / length);
    BOOST_TEST(lower_witness(a, v) <= quotient);
    BOOST_TEST(lower_witness(a, v) >= quotient * (1 - 1e-13L));
  }
}

BOOST_AUTO_TEST_CASE(an_estimate_may_be_wrong_the_bound_is_not) {
  const at::Tensor matrix = at::randn({12, 8}, make_generator(seed()), at::kDouble);
  const ScaledMatrix a = scale_to_unit(matrix);
  const Real sigma = std::ldexp(largest_singular_value(matrix), -a.exponent);
  const Evidence e = gather(a);
  for (const double wrong : {0.0, -1.0, std::nan(""), 0.1, 0.999, 1.001, 5.0, 1e300, 1e308 * 10}) {
    const double bound = upper_from_estimate(e, wrong * static_cast<double>(sigma * sigma));
    BOOST_TEST(bound >= sigma);
    BOOST_TEST(bound <= frobenius_upper(a));
  }
  for (const double wrong : {0.0, std::nan(""), 1.0, -3.0, 1e200}) {
    BOOST_TEST(lower_witness(a, std::vector<double>(8, wrong)) <= sigma);
  }
}

BOOST_AUTO_TEST_CASE(a_completed_test_is_needed) {
  const ScaledMatrix a = scale_to_unit(at::eye(4, at::kDouble));  // entries 1/2, sigma 1/2
  const Evidence e = gather(a);
  BOOST_TEST(!cholesky_test(e.g, 0.25).completed);  // a pivot of 0 does not pass
  BOOST_TEST(!cholesky_test(e.g, std::nan("")).completed);
  BOOST_TEST(!cholesky_test(e.g, std::numeric_limits<double>::infinity()).completed);
  BOOST_TEST(cholesky_test(e.g, 0.2500001).completed);
  // Singular with a positive diagonal: G = (1/2, 1/4; 1/4, 1/2), largest eigenvalue 3/4 exactly.
  at::Tensor pair = at::zeros({3, 2}, at::kDouble);
  pair[0].fill_(0.5);
  pair[1][0] = pair[2][1] = 0.5;
  const ScaledMatrix b = scale_to_unit(pair);
  BOOST_TEST(!cholesky_test(gather(b).g, 0.75).completed);
  BOOST_TEST(cholesky_test(gather(b).g, 0.7500001).completed);
}

BOOST_AUTO_TEST_CASE(rho_for_a_limit_proves_exactly_that_limit) {
  std::mt19937_64 random(seed());
  for (int draw = 0; draw < 50; ++draw) {
    const at::Tensor matrix = hard_matrix(draw, random);
    const ScaledMatrix a = scale_to_unit(matrix);
    const Evidence e = gather(a);
    const auto sigma = static_cast<double>(std::ldexp(largest_singular_value(matrix), -a.exponent));
    const double limit = sigma * (1 + 1e-11);
    BOOST_TEST(upper_if_completed(e, rho_for_limit(e, limit)) <= limit);
    BOOST_TEST(std::isinf(upper_if_completed(e, rho_for_limit(e, sigma * (1 - 1e-11)))));
  }
}

BOOST_AUTO_TEST_CASE(a_blas_that_computes_wrongly_is_named) {
  for (const auto& shape :
       {std::pair(40, 40), std::pair(7, 90), std::pair(90, 7), std::pair(1, 1)}) {
    const at::Tensor matrix =
        at::randn({shape.first, shape.second}, make_generator(seed()), at::kDouble);
    const ScaledMatrix a = scale_to_unit(matrix);
    const Gram right = gram(a);
    Gram wrong = right;
    wrong.lower.back() *= 1 + 1e-8;
    BOOST_CHECK_EXCEPTION(check_gram(wrong, a), Error, [](const Error& e) {
      return std::string(e.what()).find("OpenBLAS") != std::string::npos;
    });
    wrong = right;
    wrong.lower.back() = std::nan("");
    BOOST_CHECK_THROW(check_gram(wrong, a), Error);
  }
}

BOOST_AUTO_TEST_CASE(a_product_in_single_precision_is_noticed) {
  const at::Tensor q =
      std::get<0>(at::linalg_qr(at::randn({1024, 128}, make_generator(seed()), at::kDouble)));
  const ScaledMatrix a = scale_to_unit(q);
  Gram g = gram(a);
  const at::Tensor x = q * std::ldexp(1.0, -a.exponent);
  const at::Tensor single = at::matmul(x.t().to(at::kFloat), x.to(at::kFloat)).to(at::kDouble);
  const double* data = single.const_data_ptr<double>();
  std::copy(data, data + single.numel(), g.lower.begin());
  BOOST_CHECK_THROW(check_gram(g, a), Error);
}

BOOST_AUTO_TEST_SUITE_END()
