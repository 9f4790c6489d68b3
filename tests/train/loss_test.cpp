#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "src/core/core.hpp"
#include "src/train/loss.hpp"
#include "tests/support.hpp"

using namespace taut;
using train::count_correct;
using train::cross_entropy;

namespace {

// The definition, in double, rival by rival.
double reference(const at::Tensor& logits, const at::Tensor& label, double margin) {
  const at::Tensor z = logits.flatten(0, 1).to(at::kDouble), y = label.flatten();
  double sum = 0;
  for (int64_t row = 0; row < z.size(0); ++row) {
    const int64_t own = y[row].item<int64_t>();
    double total = 0;
    for (int64_t j = 0; j < z.size(1); ++j) {
      const double rival = z[row][j].item<double>() + (j == own ? 0 : margin);
      total += std::exp(rival - z[row][own].item<double>());
    }
    sum += std::log(total);
  }
  return sum / static_cast<double>(z.size(0));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_test)

BOOST_AUTO_TEST_CASE(the_loss_is_its_definition) {
  const at::Generator generator = make_generator(test::seed());
  const at::Tensor logits = at::randn({3, 4, 5}, generator) * 3;
  const at::Tensor label = at::randint(5, {3, 4}, generator, at::kLong);
  for (const double margin : {0.0, 0.7, 4.0}) {
    BOOST_TEST(
        cross_entropy(logits, label, margin).item<double>() == reference(logits, label, margin),
        boost::test_tools::tolerance(1e-6));
  }
}

// The handicap of a certificate: rival j of label y starts handicap[y, j] ahead.
BOOST_AUTO_TEST_CASE(rivals_start_ahead_by_their_handicap) {
  const at::Generator generator = make_generator(test::seed());
  const at::Tensor logits = at::randn({3, 2, 4}, generator, at::kDouble);
  const at::Tensor label = at::randint(4, {3, 2}, generator, at::kLong);
  at::Tensor ahead = at::rand({4, 4}, generator, at::kDouble);
  ahead.fill_diagonal_(0);
  const at::Tensor moved = logits + ahead.index({label});
  BOOST_TEST(cross_entropy(logits, label, 0.3, ahead).item<double>() ==
                 cross_entropy(moved, label, 0.3).item<double>(),
             boost::test_tools::tolerance(1e-12));
}

// The mean of the losses of all labels has the share that is smoothed.
BOOST_AUTO_TEST_CASE(a_smoothed_label_is_a_share_of_all_of_them) {
  const at::Generator generator = make_generator(test::seed());
  const at::Tensor logits = at::randn({3, 2, 4}, generator, at::kDouble);
  const at::Tensor label = at::randint(4, {3, 2}, generator, at::kLong);
  double of_all = 0;
  for (int64_t j = 0; j < 4; ++j) {
    of_all += cross_entropy(logits, at::full({3, 2}, j, at::kLong)).item<double>() / 4;
  }
  const double own = cross_entropy(logits, label).item<double>();
  BOOST_TEST(cross_entropy(logits, label, 0, {}, 0.1).item<double>() == 0.9 * own + 0.1 * of_all,
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(head_distances_are_norms_of_differences_and_can_be_differentiated) {
  const at::Generator generator = make_generator(test::seed());
  models::Linear head;
  head.weight = at::randn({3, 5}, generator, at::kDouble);
  head.weight[2].copy_(head.weight[0]);  // equal rows: no NaN in the gradient
  head.gain = -2;
  head.weight.requires_grad_(true);
  const at::Tensor distances = train::head_distances(head);
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      const at::Tensor expected = 2 * (head.weight[i] - head.weight[j]).norm();
      BOOST_TEST(std::fabs((distances[i][j] - expected).item<double>()) < 1e-12);
    }
  }
  const at::Tensor gradient = torch::autograd::grad({distances.sum()}, {head.weight})[0];
  const at::Tensor toward =
      (head.weight[1] - head.weight[0]) / (head.weight[1] - head.weight[0]).norm();
  // Row 1 has two rivals at the same place, each counted twice.
  BOOST_TEST((gradient[1] - 8 * toward).abs().max().item<double>() < 1e-12);
  head.weight = at::zeros({40000, 768});
  BOOST_CHECK_THROW(train::head_distances(head), Error);
}

BOOST_AUTO_TEST_CASE(equal_logits_cost_the_logarithm_of_the_classes) {
  const at::Tensor logits = at::full({2, 1, 8}, 3.0), label = at::zeros({2, 1}, at::kLong);
  BOOST_TEST(cross_entropy(logits, label).item<double>() == std::log(8.0),
             boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(large_logits_do_not_overflow) {
  const at::Tensor logits = at::zeros({1, 1, 3});
  logits[0][0][1] = 1e30;
  const at::Tensor right = at::ones({1, 1}, at::kLong), wrong = at::zeros({1, 1}, at::kLong);
  BOOST_TEST(cross_entropy(logits, right).item<double>() == 0.0);
  BOOST_TEST(cross_entropy(logits, wrong).item<double>() == 1e30,
             boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(rows_are_right_where_the_label_is_on_top) {
  const at::Tensor logits = at::tensor({0., 2., 1., 5., 4., 3., 0., 0., 1.}).view({1, 3, 3});
  BOOST_TEST(count_correct(logits, at::tensor({1, 0, 2}, at::kLong).view({1, 3})) == 3);
  BOOST_TEST(count_correct(logits, at::tensor({2, 0, 0}, at::kLong).view({1, 3})) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
