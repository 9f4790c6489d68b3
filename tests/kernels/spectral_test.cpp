#include "kernels/spectral.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "kernels/certified_sigma.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using kernels::TopPair;

namespace {

TopPair top_of(const at::Tensor& w, int iterations = 30) {
  at::Tensor start;
  return kernels::top_singular(w, start, iterations);
}

at::Tensor values(const at::Tensor& w) { return at::linalg_svdvals(w.to(at::kDouble)); }

double relative(double a, double b) { return std::abs(a - b) / std::abs(b); }

// A gap of 2 for 30 steps, and what a float keeps of a unit vector.
void check_power_iteration(at::Device device) {
  Spectrum spectrum(12, 0.5);
  spectrum.front() = 1;
  for (const double scale : {1e-30, 1.0, 1e30}) {
    const at::Tensor w =
        stored(with_spectrum(12, 30, spectrum, 3), at::kFloat).unsqueeze(0) * scale;
    const at::Tensor there = w.to(device);
    at::Tensor v = at::ones({1, 30}, there.options());
    const TopPair top = kernels::power_iteration(there, v, 30);
    BOOST_TEST(relative(top.value.item<double>(), scale) < 1e-6);
    BOOST_TEST(top.value.item<double>() <= kernels::certified_sigma_max(w[0]) * (1 + 1e-6));
    BOOST_TEST(at::equal(v, top.right));
    const at::Tensor image = at::matmul(w[0] / scale, top.right[0].cpu());
    BOOST_TEST((image - top.left[0].cpu()).abs().max().item<double>() < 1e-5);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spectral_test)

BOOST_AUTO_TEST_CASE(the_top_triple_is_that_of_the_matrix) {
  std::mt19937_64 random(seed());
  for (const auto& [rows, cols] :
       {std::pair(1, 1), std::pair(1, 5), std::pair(7, 7), std::pair(12, 30), std::pair(30, 12)}) {
    for (const Shape shape : {Shape::spike, Shape::geometric, Shape::rank_deficient, Shape::flat}) {
      const Spectrum spectrum = spectrum_of(shape, std::min(rows, cols), random);
      for (const double scale : {1e-30, 1.0, 1e30}) {
        const at::Tensor w = stored(with_spectrum(rows, cols, spectrum, 3), at::kFloat) * scale;
        const TopPair top = top_of(w);
        BOOST_TEST(relative(top.value.item<double>(), scale) < 1e-5);
        BOOST_TEST(relative(top.left.norm().item<double>(), 1) < 1e-5);
        const at::Tensor image = at::matmul(w / scale, top.right[0]);
        BOOST_TEST((image - top.left[0] * (top.value / scale)).abs().max().item<double>() < 1e-5);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(power_iteration_finds_the_pair) { check_power_iteration(at::kCPU); }

BOOST_AUTO_TEST_CASE(power_iteration_finds_the_pair_on_cuda) {
  if (!at::globalContext().hasCUDA()) return skip("no CUDA device");
  check_power_iteration(at::Device(at::kCUDA, 0));
}

BOOST_AUTO_TEST_CASE(power_iteration_keeps_zero_and_refuses_what_does_not_fit) {
  at::Tensor v = at::ones({1, 3});
  const TopPair top = kernels::power_iteration(at::zeros({2, 3}), v, 2);
  BOOST_TEST(top.value.item<double>() == 0);
  BOOST_TEST(at::equal(top.left, at::zeros({1, 2})));
  at::Tensor wrong = at::ones({1, 2});
  BOOST_CHECK_THROW(kernels::power_iteration(at::zeros({2, 3}), wrong, 1), Error);
  BOOST_CHECK_THROW(kernels::power_iteration(at::zeros({2, 3}), v, 0), Error);
}

BOOST_AUTO_TEST_CASE(an_estimate_never_passes_the_certified_bound) {
  at::Generator g = make_generator(seed());
  for (int draw = 0; draw < 20; ++draw) {
    const at::Tensor w = at::randn({1 + draw, 2 * draw + 3}, g, at::kDouble);
    BOOST_TEST(top_of(w, 1 + draw % 4).value.item<double>() <=
               kernels::certified_sigma_max(w) * (1 + 1e-12));
  }
}

BOOST_AUTO_TEST_CASE(a_warm_start_needs_one_iteration) {
  at::Generator g = make_generator(seed());
  at::Tensor w = at::randn({2, 40, 60}, g, at::kDouble), block;
  kernels::top_singular(w, block, 60);
  w = w + at::randn({2, 40, 60}, g, at::kDouble) * 1e-4;
  const at::Tensor exact = values(w).amax(-1), cold = top_of(w, 1).value;
  const at::Tensor warm = kernels::top_singular(w, block, 1).value;
  BOOST_TEST(((exact - warm).abs() < 1e-3 * (exact - cold).abs()).all().item<bool>());
}

BOOST_AUTO_TEST_CASE(the_hammer_sets_the_largest_value) {
  for (const double limit : {0.8, 2.0}) {
    const at::Tensor w = stored(with_spectrum(6, 9, {1, 0.7, 0.5, 0.3, 0.2, 0.1}, 5));
    const at::Tensor got = values(kernels::spectral_hammer(w, top_of(w), limit));
    // The certified division is not finer than 1e-9.
    BOOST_TEST(relative(got[0].item<double>(), limit) < 3e-9);
    BOOST_TEST(relative(got[1].item<double>(), 0.7) < 3e-9);
  }
  // The second value is above the limit: then the whole matrix comes down.
  const at::Tensor w = stored(with_spectrum(4, 4, {1, 0.9, 0.1, 0.1}, 5));
  BOOST_TEST(kernels::certified_sigma_max(kernels::spectral_hammer(w, top_of(w), 0.5)) <= 0.5);
}

BOOST_AUTO_TEST_CASE(spectral_decay_shrinks_the_top_alone) {
  const at::Tensor w = stored(with_spectrum(6, 9, {1, 0.7, 0.5, 0.3, 0.2, 0.1}, 5));
  const at::Tensor got = values(kernels::spectral_weight_decay(w, top_of(w), 0.1));
  BOOST_TEST(relative(got[0].item<double>(), 0.9) < 1e-9);
  BOOST_TEST(relative(got[1].item<double>(), 0.7) < 1e-9);
  BOOST_TEST(at::equal(kernels::spectral_weight_decay(w, top_of(w), 0), w));
}

BOOST_AUTO_TEST_CASE(normalisation_only_shrinks_and_keeps_directions) {
  const at::Tensor w = stored(with_spectrum(5, 5, {2, 1, 0.5, 0.2, 0.1}, 5));
  BOOST_TEST(at::equal(kernels::spectral_normalize(w, 3), w));
  const at::Tensor half = kernels::spectral_normalize(w, 1);
  BOOST_TEST((half - w / 2).abs().max().item<double>() < 1e-9);
  BOOST_TEST(kernels::certified_sigma_max(half) <= 1);
}

BOOST_AUTO_TEST_CASE(stiefel_makes_every_value_the_limit) {
  at::Generator g = make_generator(seed());
  for (const auto& [rows, cols] : {std::pair(8, 8), std::pair(5, 12), std::pair(12, 5)}) {
    const at::Tensor w = stored(with_spectrum(rows, cols, Spectrum(std::min(rows, cols), 0.3L), 9));
    const at::Tensor q = kernels::stiefel(w, 2.5);
    BOOST_TEST(values(q).min().item<double>() > 2.5 * 0.99);
    BOOST_TEST(kernels::certified_sigma_max(q) <= 2.5);
  }
}

BOOST_AUTO_TEST_CASE(every_projection_holds_its_limit_when_stored) {
  at::Generator g = make_generator(seed());
  for (int draw = 0; draw < 40; ++draw) {
    const at::Tensor w =
        at::randn({2, 1 + draw % 7, 1 + draw % 4}, g) * std::pow(10.0, draw % 5 - 2);
    const double limit = std::pow(10.0, draw % 3 - 1);
    BOOST_TEST(kernels::certified_sigma_max(kernels::spectral_normalize(w, limit)) <= limit);
    BOOST_TEST(kernels::certified_sigma_max(kernels::spectral_hammer(w, top_of(w, 3), limit)) <=
               limit);
    BOOST_TEST(kernels::certified_sigma_max(kernels::stiefel(w, limit)) <= limit);
  }
}

BOOST_AUTO_TEST_CASE(zero_stays_zero_and_nonsense_is_refused) {
  const at::Tensor zero = at::zeros({2, 3, 4});
  const TopPair top = top_of(zero);
  BOOST_TEST(top.value.abs().max().item<double>() == 0);
  BOOST_TEST(top.right.abs().max().item<double>() == 0);
  BOOST_TEST(at::equal(kernels::spectral_hammer(zero, top, 1), zero));
  BOOST_TEST(at::equal(kernels::stiefel(zero, 1), zero));
  at::Tensor start;
  BOOST_CHECK_THROW(kernels::top_singular(at::full({2, 2}, NAN), start, 3), Error);
  BOOST_CHECK_THROW(kernels::top_singular(at::ones({2, 2}), start, 0), Error);
  BOOST_CHECK_THROW(kernels::spectral_hammer(zero, top, 0), Error);
  BOOST_CHECK_THROW(kernels::spectral_weight_decay(zero, top, 1.5), Error);
  BOOST_CHECK_THROW(kernels::spectral_hammer(at::ones({2, 4, 4}), top, 1), Error);
  BOOST_CHECK_THROW(kernels::stiefel(at::ones({2, 2}), NAN), Error);
}

BOOST_AUTO_TEST_SUITE_END()
