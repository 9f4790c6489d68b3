#include "attacks/pgd.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "attacks/loss.hpp"
#include "tests/attacks/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using at::Tensor;
using attacks::Loss;
using models::Norm;
using models::Space;

namespace {

// One pixel x; logits are weight |x - centre| + bias, class by class.
models::Network tent(const Tensor& centre, const Tensor& weight, const Tensor& bias) {
  const int64_t classes = centre.size(0);
  return {test::pixels(1, 1),
          {{"patches", models::Patchify{0}},
           {"shift", models::Linear{at::ones({classes, 1}), -centre}},
           {"curve", models::Activation{models::Curve::abs}},
           {"head", models::Linear{weight.diag(), bias}}}};
}

attacks::Job job_at(double x, double eps, int64_t target) {
  const Tensor clean = at::full({1, 1, 1, 1}, x);
  const Tensor zero = at::zeros({1}, at::kLong);
  return {{{Space::pixels, Norm::linf, std::nullopt}, clean, at::full({1}, eps, at::kDouble), {}},
          zero,
          zero,
          at::full({1}, target, at::kLong),
          zero,
          at::zeros_like(clean)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pgd_test)

BOOST_AUTO_TEST_CASE(the_best_iterate_is_kept_when_the_last_one_overshoots) {
  // Class 1 peaks at -0.1 where x = 0.26; steps of 0.125 pass 0.25 (off by .01), then 0.375 (off by
  // .115).
  const models::Network network =
      tent(at::tensor({0.0f, 0.26f}), at::tensor({0.0f, -1.0f}), at::tensor({0.0f, -0.1f}));
  const attacks::Subject subject =
      attacks::make_subject(network, {Space::pixels, Norm::linf, std::nullopt});
  for (const int64_t steps : {19, 20}) {  // one of them ends on the far side
    attacks::Job job = job_at(0.0, 0.05 * static_cast<double>(steps), -1);
    const attacks::Ascent best = attacks::pgd(subject, job, Loss::margin, steps);
    BOOST_TEST(std::abs(best.delta.item<double>() - 0.25) < 1e-5);
    BOOST_TEST(std::abs(best.margin.item<double>() - -0.11) < 1e-5);
    BOOST_TEST(!best.fooled.item<bool>());
    BOOST_TEST(best.gradients == steps);
  }
}

BOOST_AUTO_TEST_CASE(a_success_on_the_way_is_not_walked_past) {
  // Class 1 wins for |x - .5| < .1 only; the aim, class 2, rises all the way and never wins.
  const models::Network network =
      tent(at::tensor({0.0f, 0.5f, -9.0f}), at::tensor({0.0f, -10.0f, 1.0f}),
           at::tensor({0.0f, 1.0f, -20.0f}));
  const attacks::Subject subject =
      attacks::make_subject(network, {Space::pixels, Norm::linf, std::nullopt});
  const attacks::Ascent best = attacks::pgd(subject, job_at(0.0, 1.0, 2), Loss::margin, 20);
  BOOST_TEST(best.fooled.item<bool>());
  BOOST_TEST(std::abs(best.delta.item<double>() - 0.5) < 0.1);
  BOOST_TEST(best.gradients < 20);
}

BOOST_AUTO_TEST_CASE(a_flat_spot_is_left_by_a_random_step) {
  // d|x|/dx = 0 at x = 0, where class 1 is lowest.
  const models::Network network =
      tent(at::tensor({0.0f, 0.0f}), at::tensor({0.0f, 1.0f}), at::tensor({0.0f, -0.5f}));
  const attacks::Subject subject =
      attacks::make_subject(network, {Space::pixels, Norm::linf, std::nullopt});
  const attacks::Ascent best = attacks::pgd(subject, job_at(0.0, 1.0, -1), Loss::margin, 20);
  BOOST_TEST(best.fooled.item<bool>());
}

BOOST_AUTO_TEST_CASE(rows_do_not_disturb_each_other) {
  const uint64_t seed = test::seed();
  const models::Network network = test::mlp(5, 20, 4, seed);
  const models::Threat threat{Space::pixels, Norm::l2, models::Box{0, 1}};
  const attacks::Subject subject = attacks::make_subject(network, threat);
  const Tensor clean = at::rand({6, 1, 5, 5}, make_generator(seed));
  const attacks::Rows rows = test::image_rows(network, clean);
  const Tensor eps = at::tensor({0.01, 0.1, 0.3, 1.0, 2.0, 0.05}, at::kDouble);
  const attacks::Job job{{threat, clean, eps, {}},     rows.position, rows.label,
                         at::full({6}, -1, at::kLong), at::arange(6), at::zeros_like(clean)};
  for (const Loss loss : {Loss::cross_entropy, Loss::margin, Loss::dlr}) {
    const attacks::Ascent all = attacks::pgd(subject, job, loss, 15);
    for (int64_t i = 0; i < 6; ++i) {
      const auto row = [&](const Tensor& t) { return t.narrow(0, i, 1); };
      const attacks::Job alone{{threat, row(clean), row(eps), {}},
                               row(job.position),
                               row(job.label),
                               row(job.target),
                               row(job.key),
                               row(job.delta)};
      const attacks::Ascent one = attacks::pgd(subject, alone, loss, 15);
      BOOST_TEST((one.delta - row(all.delta)).abs().max().item<double>() < 1e-4);
    }
    const attacks::Ascent unasked = attacks::pgd_unasked(subject, job, loss, 15);
    BOOST_TEST((unasked.delta - all.delta).abs().max().item<double>() < 1e-4);
    BOOST_TEST((unasked.margin - all.margin).abs().max().item<double>() < 1e-4);
    BOOST_TEST(at::equal(unasked.fooled, all.fooled));
    BOOST_TEST(all.fooled.any().item<bool>());
    const Tensor size = attacks::size_up(threat, all.delta.to(at::kDouble));
    BOOST_TEST((size <= eps * (1 + 1e-6)).all().item<bool>());
  }
}

BOOST_AUTO_TEST_SUITE_END()
