#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "tests/attacks/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using at::Tensor;
using models::Norm;
using models::Space;

namespace {

// Smallest perturbation of a linear classifier, by class: margin and difference of weights in fp64.
struct Rivals {
  Tensor margin, difference;  // (classes - 1), (classes - 1, entries)
};

Rivals rivals_of(const Tensor& weight, const Tensor& bias, const Tensor& x, int64_t label) {
  const Tensor w = weight.to(at::kDouble), b = bias.to(at::kDouble);
  const Tensor z = at::mv(w, x.to(at::kDouble).flatten()) + b;
  const Tensor others = at::arange(w.size(0)).masked_select(at::arange(w.size(0)) != label);
  return {(z[label] - z).index_select(0, others), (w - w[label]).index_select(0, others)};
}

double unboxed(const Rivals& r, Norm norm) {
  const Tensor dual =
      norm == Norm::l2 ? r.difference.square().sum(1).sqrt() : r.difference.abs().sum(1);
  return (r.margin / dual).min().item<double>();
}

// With the box [0, 1]: the least norm that gains the margin is at clip(s w) (l2) or at the corner
// of the cut cube (linf); both by bisection.
double boxed(const Rivals& r, const Tensor& x, Norm norm) {
  const Tensor clean = x.to(at::kDouble).flatten();
  double best = test::kFar;
  for (int64_t j = 0; j < r.margin.size(0); ++j) {
    const Tensor w = r.difference[j];
    const auto point = [&](double s) {
      return at::minimum(at::maximum((norm == Norm::l2 ? w : w.sign()) * s, -clean), 1 - clean);
    };
    const auto gains = [&](double s) {
      return at::dot(w, point(s)).item<double>() >= r.margin[j].item<double>();
    };
    double low = 0, high = 1e6;
    if (!gains(high)) continue;
    for (int i = 0; i < 100; ++i) (gains((low + high) / 2) ? high : low) = (low + high) / 2;
    const Tensor d = point(high);
    best = std::min(best, norm == Norm::l2 ? d.square().sum().sqrt().item<double>()
                                           : d.abs().max().item<double>());
  }
  return best;
}

attacks::AttackOptions search_options() {
  attacks::AttackOptions options;
  options.search = 10;
  return options;
}

void check_closed_form(const Tensor& weight, const Tensor& bias, const Tensor& images,
                       int64_t height) {
  const models::Network network = test::linear_network(weight, bias, height, images.size(3));
  const attacks::Rows rows = test::image_rows(network, images);
  for (const Norm norm : {Norm::l2, Norm::linf}) {
    for (const bool with_box : {false, true}) {
      models::Threat threat{Space::pixels, norm, std::nullopt};
      if (with_box) threat.box = models::Box{0, 1};
      const attacks::AttackResult result = attacks::attack(network, rows, threat, search_options());
      for (int64_t i = 0; i < images.size(0); ++i) {
        const Rivals r = rivals_of(weight, bias, images[i], rows.label[i].item<int64_t>());
        const double exact = with_box ? boxed(r, images[i], norm) : unboxed(r, norm);
        const auto found = result.radius[i].item<double>();
        BOOST_TEST_CONTEXT(models::describe(threat) << " row " << i) {
          if (std::isinf(exact)) {
            BOOST_TEST(std::isinf(found));
          } else if (with_box || exact < std::sqrt(static_cast<double>(weight.size(1)))) {
            BOOST_TEST(found >= exact * (1 - 1e-9));
            BOOST_TEST(found <= exact * 1.01);
            BOOST_TEST(at::equal(result.radius_confirmed[i], result.radius[i]));
          }
        }
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(linear_test)

BOOST_AUTO_TEST_CASE(the_search_finds_the_closed_form_radius_and_never_less) {
  const at::Generator g = make_generator(test::seed());
  const Tensor weight = at::randn({10, 24}, g), bias = at::randn({10}, g);
  // A third of the pixels at either face, as in scanned digits.
  check_closed_form(weight, bias, (at::rand({24, 1, 4, 6}, g) * 3 - 1).clamp(0, 1), 4);
}

BOOST_AUTO_TEST_CASE(two_classes_negative_logits_and_a_batch_of_one) {
  const at::Generator g = make_generator(test::seed());
  check_closed_form(at::randn({2, 9}, g), at::full({2}, -100.0), at::rand({1, 1, 3, 3}, g), 3);
  check_closed_form(at::randn({3, 9}, g), at::full({3}, -100.0), at::rand({5, 1, 3, 3}, g), 3);
}

BOOST_AUTO_TEST_CASE(every_loss_reaches_the_closed_form_of_two_classes) {
  const at::Generator g = make_generator(test::seed());
  const Tensor weight = at::randn({2, 9}, g), bias = at::zeros({2}),
               images = at::rand({6, 1, 3, 3}, g);
  const models::Network network = test::linear_network(weight, bias, 3, 3);
  const attacks::Rows rows = test::image_rows(network, images);
  for (const auto loss :
       {attacks::Loss::cross_entropy, attacks::Loss::margin, attacks::Loss::dlr}) {
    attacks::AttackOptions options = search_options();
    options.loss = loss;
    const Tensor radius =
        attacks::attack(network, rows, test::free_threat(Space::pixels, Norm::l2), options).radius;
    for (int64_t i = 0; i < 6; ++i) {
      const double exact =
          unboxed(rivals_of(weight, bias, images[i], rows.label[i].item<int64_t>()), Norm::l2);
      BOOST_TEST(radius[i].item<double>() >= exact * (1 - 1e-9));
      BOOST_TEST(radius[i].item<double>() <= exact * 1.01);
    }
  }
}

BOOST_AUTO_TEST_CASE(fixed_sizes_fail_below_the_closed_form_and_succeed_above) {
  const at::Generator g = make_generator(test::seed());
  const Tensor weight = at::randn({2, 12}, g), bias = at::randn({2}, g);
  const models::Network network = test::linear_network(weight, bias, 3, 4);
  const attacks::Rows rows = test::image_rows(network, at::rand({1, 1, 3, 4}, g));
  const Rivals r = rivals_of(weight, bias, rows.input[0], rows.label[0].item<int64_t>());
  for (const Norm norm : {Norm::l2, Norm::linf}) {
    const double exact = unboxed(r, norm);
    attacks::AttackOptions options;
    options.search = 0;
    options.steps = 60;
    options.eps = {exact * 1.02, exact * 0.999, 0};
    const auto result =
        attacks::attack(network, rows, test::free_threat(Space::pixels, norm), options);
    BOOST_TEST(result.success[0][0].item<bool>());
    BOOST_TEST(!result.success[1][0].item<bool>());
    BOOST_TEST(!result.success[2][0].item<bool>());
    BOOST_TEST(result.radius[0].item<double>() <= exact * 1.02);
  }
}

BOOST_AUTO_TEST_SUITE_END()
