#include "src/train/adversary.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/loss.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(adversary_test)

// A linear classifier of two classes: the loss rises most along w_2 - w_1, and the ball's edge is
// where PGD ends.
BOOST_AUTO_TEST_CASE(a_linear_model_is_pushed_to_the_edge_of_the_ball) {
  const at::NoGradGuard no_grad;
  const at::Generator generator = make_generator(test::seed());
  models::Network network;
  network.input.channels = 1;
  network.input.height = network.input.width = 4;
  models::Linear head;
  head.weight = at::randn({2, 16}, generator);
  network.layers = {{"flatten", models::Patchify{0}}, {"head", head}};
  const at::Tensor images = at::full({8, 1, 4, 4}, 0.5);
  const at::Tensor label = at::arange(8, at::kLong).remainder(2).unsqueeze(1);
  const double eps = 1e-3;  // no pixel leaves the box
  for (const char* name : {"l2", "linf"}) {
    const models::Threat threat = models::parse_threat(name, network.input);
    const at::Tensor moved =
        train::adversarial_images(network, images, label, threat, eps, 20, 5) - images;
    const at::Tensor toward = (head.weight[1] - head.weight[0]).view({1, 4, 4});
    for (int64_t row = 0; row < 8; ++row) {
      const at::Tensor uphill = label[row].item<int64_t>() == 0 ? toward : -toward;
      const bool l2 = threat.norm == models::Norm::l2;
      const at::Tensor best = l2 ? eps * uphill / uphill.norm() : eps * uphill.sign();
      const double gain = (moved[row] * uphill).sum().item<double>();
      const double most = (best * uphill).sum().item<double>();
      const double clean = train::count_correct(models::forward(network, images.narrow(0, row, 1)),
                                                label.narrow(0, row, 1));
      // A row that is wrong already stays where it starts; the others gain what there is.
      BOOST_TEST(gain <= most * (1 + 1e-4));
      if (clean == 1) BOOST_TEST(gain >= most * 0.95);
    }
  }
}

BOOST_AUTO_TEST_CASE(images_stay_in_the_box_and_the_key_decides) {
  const at::NoGradGuard no_grad;
  const train::TrainOptions o = test::images_run("vit");
  models::InputSpec input;
  input.channels = 1;
  input.height = input.width = 8;
  const models::Network network = models::build(o.model, input, 10, make_generator(1));
  const at::Tensor images = at::rand({6, 1, 8, 8}, make_generator(test::seed())).round();
  const at::Tensor label = at::zeros({6, 1}, at::kLong);
  const models::Threat threat = models::parse_threat("linf", input);
  const auto moved = [&](uint64_t key) {
    return train::adversarial_images(network, images, label, threat, 0.3, 3, key);
  };
  const at::Tensor first = moved(1);
  BOOST_TEST(first.min().item<double>() >= 0);
  BOOST_TEST(first.max().item<double>() <= 1);
  BOOST_TEST((first - images).abs().max().item<double>() <= 0.3);
  BOOST_TEST(!first.equal(images));
  BOOST_TEST(first.equal(moved(1)));
  BOOST_TEST(!first.equal(moved(2)));
}

BOOST_AUTO_TEST_SUITE_END()
