#include "kernels/gram_bound.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "kernels/certified_sigma.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using kernels::form_norm;
using kernels::gram_bound;
using kernels::gram_form;

namespace {

kernels::TopPair top_of(const at::Tensor& w) {
  at::Tensor start;
  return kernels::top_singular(w, start, 40);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gram_bound_test)

BOOST_AUTO_TEST_CASE(it_is_the_schatten_norm_of_its_order) {
  std::mt19937_64 random(seed());
  for (const Shape shape : kShapes) {
    const Spectrum spectrum = spectrum_of(shape, 6, random);
    for (const int iterations : {0, 1, 2, 5}) {
      const Real order = std::pow(2.0L, iterations + 2);
      Real sum = 0;
      for (const Real value : spectrum) sum += std::pow(value, order);
      const auto expected = static_cast<double>(std::pow(sum, 1 / order));
      for (const double scale : {1e-200, 1.0, 1e200}) {
        const at::Tensor w = stored(with_spectrum(6, 9, spectrum, 3)) * scale;
        const auto got = gram_bound(w, iterations).item<double>() / scale;
        BOOST_TEST(std::abs(got - expected) < 1e-13 * expected);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(its_gradient_tends_to_that_of_sigma) {
  const at::Tensor w = stored(with_spectrum(5, 8, {1, 0.6, 0.4, 0.2, 0.1}, 3)).requires_grad_(true);
  const at::Tensor norm = form_norm(w, gram_form(w, 6));
  const at::Tensor gradient = torch::autograd::grad({norm.sum()}, {w})[0];
  const kernels::TopPair top = top_of(w);
  const at::Tensor expected = at::outer(top.left[0], top.right[0]);
  BOOST_TEST((gradient - expected).abs().max().item<double>() < 1e-9);
}

BOOST_AUTO_TEST_CASE(the_form_has_the_value_and_the_gradient_of_the_norm) {
  at::Generator g = make_generator(seed());
  for (const auto& [rows, cols] :
       {std::pair(5, 8), std::pair(8, 5), std::pair(6, 6), std::pair(1, 3)}) {
    const at::Tensor w = at::randn({2, rows, cols}, g, at::kDouble) * 7, along = at::rand_like(w);
    const at::Tensor weight = at::tensor({1.0, -2.5}, at::kDouble);
    for (const int iterations : {0, 1, 3}) {
      const at::Tensor leaf = w.clone().requires_grad_(true), form = gram_form(w, iterations);
      const at::Tensor norm = form_norm(leaf, form);
      BOOST_TEST((norm / gram_bound(w, iterations) - 1).abs().max().item<double>() < 1e-12);
      const at::Tensor gradient = torch::autograd::grad({(norm * weight).sum()}, {leaf})[0];
      const double h = 1e-5;
      const at::Tensor ahead = gram_bound(w + h * along, iterations),
                       behind = gram_bound(w - h * along, iterations);
      const double expected = ((ahead - behind) * weight).sum().item<double>() / (2 * h);
      BOOST_TEST(std::abs((gradient * along).sum().item<double>() - expected) <
                 1e-7 * (1 + std::abs(expected)));
      for (const double step : {0.1, 1.0, 30.0}) {  // below the norm elsewhere
        const at::Tensor v = w + step * at::randn(w.sizes(), g, at::kDouble);
        BOOST_TEST(
            (form_norm(v, form) <= gram_bound(v, iterations) * (1 + 1e-12)).all().item<bool>());
      }
      // And a gradient of its own there.
      const at::Tensor far = (w + along).requires_grad_(true);
      const at::Tensor slope = torch::autograd::grad({form_norm(far, form).sum()}, {far})[0];
      const double change =
          (form_norm(w + along + h * w, form) - form_norm(w + along - h * w, form))
              .sum()
              .item<double>() /
          (2 * h);
      BOOST_TEST(std::abs((slope * w).sum().item<double>() - change) < 1e-7 * (1 + change));
    }
  }
  BOOST_CHECK_THROW(form_norm(at::ones({2, 3, 4}), at::ones({2, 4, 4})), Error);
}

BOOST_AUTO_TEST_CASE(zero_matrices_give_zero_and_no_gradient) {
  at::Tensor w = at::zeros({2, 3, 4});
  w[1] = at::ones({3, 4});
  w.requires_grad_(true);
  BOOST_TEST(gram_bound(w, 4)[0].item<double>() == 0);
  const at::Tensor bound = form_norm(w, gram_form(w, 4));
  BOOST_TEST(bound[0].item<double>() == 0);
  const at::Tensor gradient = torch::autograd::grad({bound.sum()}, {w})[0];
  BOOST_TEST(gradient[0].abs().max().item<double>() == 0);
  BOOST_TEST(gradient.isfinite().all().item<bool>());
}

BOOST_AUTO_TEST_CASE(a_witness_lies_below_and_close) {
  at::Generator g = make_generator(seed());
  for (const auto& [rows, cols] : {std::pair(1, 1), std::pair(9, 4), std::pair(4, 9)}) {
    const at::Tensor w = at::randn({3, rows, cols}, g, at::kDouble);
    const std::vector<double> lower = kernels::sigma_witness(w, top_of(w));
    const auto sigma = kernels::certified_sigma(w);
    for (size_t i = 0; i < 3; ++i) {
      const auto exact = static_cast<double>(largest_singular_value(w[static_cast<int64_t>(i)]));
      BOOST_TEST(lower[i] <= exact);
      BOOST_TEST(lower[i] > exact * (1 - 1e-10));
      BOOST_TEST(lower[i] <= sigma[i].upper);
    }
  }
  // A wrong vector proves less, never more.
  const at::Tensor w = at::eye(3, at::kDouble) * 2;
  kernels::TopPair wrong = top_of(w);
  wrong.left.fill_(0.1);
  wrong.right.fill_(0.1);
  BOOST_TEST(kernels::sigma_witness(w, wrong)[0] <= 2.0);
  BOOST_TEST(kernels::sigma_witness(at::zeros({2, 3, 3}), top_of(at::zeros({2, 3, 3})))[1] == 0);
  BOOST_CHECK_THROW(kernels::sigma_witness(at::full({3, 3}, NAN), wrong), Error);
}

BOOST_AUTO_TEST_SUITE_END()
