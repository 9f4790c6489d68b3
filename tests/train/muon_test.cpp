#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "src/train/constraint.hpp"
#include "src/train/muon.hpp"
#include "tests/support.hpp"

using namespace taut;
using train::muon_step;
using train::MuonStep;
using train::row_step;
using train::rows_to_unit_rms;

namespace {

const std::vector<std::vector<int64_t>> kShapes{{3, 8, 24}, {2, 40, 10}};

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(muon_test)

// One step moves no matrix by more than lr * worst_output in RMS->RMS norm, whatever the gradient.
BOOST_AUTO_TEST_CASE(a_step_is_no_larger_than_promised) {
  const at::Generator generator = make_generator(test::seed());
  for (const auto polar :
       {kernels::PolarSet::muon5, kernels::PolarSet::modula6, kernels::PolarSet::polar_express}) {
    for (const std::vector<int64_t>& shape : kShapes) {
      for (const double size : {1e-6, 1.0, 1e6}) {
        const at::Tensor value = at::zeros(shape), momentum = at::zeros(shape);
        muon_step(value, momentum, at::randn(shape, generator) * size,
                  {.lr = 0.25, .polar = polar});
        const double norm = kernels::certified_sigma_max(value) / train::unit_norm(shape);
        // fp32 rounds the products of the iteration: 1e-5 of the size.
        BOOST_TEST(norm <= 0.25 * kernels::worst_output(polar) * (1 + 1e-5));
        BOOST_TEST(norm >= 0.25 * 0.5);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_step_follows_its_formula) {
  const at::Generator generator = make_generator(test::seed());
  const at::Tensor start = at::randn({2, 6, 12}, generator), m = at::randn({2, 6, 12}, generator);
  const at::Tensor g = at::randn({2, 6, 12}, generator);
  for (const bool nesterov : {false, true}) {
    const at::Tensor value = start.clone(), momentum = m.clone();
    muon_step(value, momentum, g,
              {.lr = 0.1, .weight_decay = 0.5, .momentum = 0.8, .nesterov = nesterov});
    const at::Tensor average = 0.8 * m + 0.2 * g;
    const at::Tensor direction = nesterov ? 0.8 * average + 0.2 * g : average;
    const at::Tensor expected =
        0.95 * start - 0.1 * std::sqrt(0.5) * kernels::orthogonalize(direction);
    BOOST_TEST(largest_difference(momentum, average) < 1e-6);
    BOOST_TEST(largest_difference(value, expected) < 1e-5);
  }
}

// Head blocks are matrices of their own: stepping two at once is stepping each.
BOOST_AUTO_TEST_CASE(matrices_of_a_batch_do_not_see_each_other) {
  const at::Generator generator = make_generator(test::seed());
  const at::Tensor g = at::randn({2, 4, 16}, generator) * at::tensor({1.0f, 1e3f}).view({2, 1, 1});
  const at::Tensor both = at::zeros({2, 4, 16});
  muon_step(both, at::zeros({2, 4, 16}), g, {.lr = 1});
  for (int64_t h = 0; h < 2; ++h) {
    const at::Tensor one = at::zeros({1, 4, 16});
    muon_step(one, at::zeros({1, 4, 16}), g.narrow(0, h, 1), {.lr = 1});
    BOOST_TEST(largest_difference(one[0], both[h]) < 1e-5);
    BOOST_TEST(kernels::certified_sigma_max(both[h]) <= std::sqrt(4.0 / 16) * 1.001);
  }
}

BOOST_AUTO_TEST_CASE(no_gradient_no_step) {
  const at::Tensor value = at::ones({1, 3, 5});
  muon_step(value, at::zeros({1, 3, 5}), at::zeros({1, 3, 5}), {.lr = 1});
  BOOST_TEST(at::equal(value, at::ones({1, 3, 5})));
}

BOOST_AUTO_TEST_CASE(rows_are_scaled_one_by_one) {
  const at::Generator generator = make_generator(test::seed());
  const at::Tensor rows = at::randn({5, 12}, generator);
  const at::Tensor lengths = at::tensor({1.0f, 0.5f, 1 / 8.0f, 1 / 32.0f, 0.0f}).unsqueeze(1);
  const at::Tensor unit = rows / rows.square().mean(1, true).sqrt();
  for (const double size : {1e-30, 1.0, 1e30}) {
    const at::Tensor rms = rows_to_unit_rms(unit * lengths * size).square().mean(1).sqrt();
    // Within 1/16 of the longest: RMS 1. Shorter: its own length times 16. Zero stays zero.
    const at::Tensor expected = at::tensor({1.0f, 1.0f, 1.0f, 0.5f, 0.0f});
    BOOST_TEST(largest_difference(rms, expected) < 1e-5);
  }
  BOOST_TEST(at::equal(rows_to_unit_rms(at::zeros({3, 4})), at::zeros({3, 4})));
}

BOOST_AUTO_TEST_CASE(a_table_moves_against_its_momentum) {
  const at::Generator generator = make_generator(test::seed());
  const at::Tensor value = at::zeros({4, 6}), momentum = at::zeros({4, 6});
  const at::Tensor g = at::randn({4, 6}, generator);
  row_step(value, momentum, g, {.lr = 0.5, .weight_decay = 0.3});
  BOOST_TEST(largest_difference(value, -0.5 * g / g.square().mean(1, true).sqrt()) < 1e-5);
}

BOOST_AUTO_TEST_SUITE_END()
