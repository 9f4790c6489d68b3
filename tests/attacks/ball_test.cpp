#include "attacks/ball.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "tests/attacks/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using at::Tensor;
using attacks::Ball;
using models::Norm;
using models::Space;

namespace {

Ball ball_of(Norm norm, const Tensor& clean, const Tensor& eps, bool boxed) {
  models::Threat threat{Space::pixels, norm, std::nullopt};
  if (boxed) threat.box = models::Box{0, 1};
  return {threat, clean, eps, {}};
}

// Cleans with many entries at the faces of [0, 1], steps far outside and at corners.
Ball random_l2(int64_t rows, int64_t entries, at::Generator g, at::ScalarType dtype) {
  const Tensor clean = (at::rand({rows, entries}, g) * 2 - 0.5).clamp(0, 1).to(dtype);
  return ball_of(Norm::l2, clean, at::rand({rows}, g).to(at::kDouble) * 2 + 0.01, true);
}

double norm_of(const Tensor& x) { return x.to(at::kDouble).square().sum().sqrt().item<double>(); }

// The largest s <= 1 with ||clip(s v)|| <= eps by plain bisection: the KKT conditions of the
// projection.
Tensor by_bisection(const Tensor& v, const Tensor& clean, double eps) {
  const auto at_scale = [&](double s) {
    return at::minimum(at::maximum(v * s, -clean), 1 - clean);
  };
  double low = 0, high = 1;
  if (norm_of(at_scale(1)) <= eps) return at_scale(1);
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (norm_of(at_scale(middle)) <= eps ? low : high) = middle;
  }
  return at_scale(low);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ball_test)

BOOST_AUTO_TEST_CASE(tokens_that_may_not_move_are_projected_back) {
  const models::Threat every{Space::embedding, Norm::every_token, std::nullopt};
  const Tensor delta = at::ones({2, 3, 4});
  const Tensor movable = at::tensor({1.0f, 1.0f, 0.0f, 0.0f, 1.0f, 0.0f}).view({2, 3, 1});
  const Tensor eps = at::full({2}, 0.5, at::kDouble);
  const Tensor inside = attacks::project({every, at::zeros({2, 3, 4}), eps, movable}, delta);
  BOOST_TEST(at::equal(inside.abs().sum(-1) > 0, movable.squeeze(-1) > 0));
}

BOOST_AUTO_TEST_CASE(the_l2_projection_on_ball_and_box_satisfies_kkt) {
  const at::Generator g = make_generator(test::seed());
  for (const int64_t entries : {1, 2, 7, 60}) {
    const Ball ball = random_l2(200, entries, g, at::kDouble);
    const Tensor spread = at::rand({200, 1}, g).to(at::kDouble) * 8 - 4;
    const Tensor v = at::randn({200, entries}, g).to(at::kDouble) * spread.exp();
    const Tensor d = attacks::project(ball, v);
    for (int64_t i = 0; i < 200; ++i) {
      const Tensor expected = by_bisection(v[i], ball.clean[i], ball.eps[i].item<double>());
      BOOST_TEST((d[i] - expected).abs().max().item<double>() <= 1e-9 * (1 + norm_of(v[i])));
    }
  }
}

BOOST_AUTO_TEST_CASE(no_feasible_point_is_nearer_than_the_projection) {
  const at::Generator g = make_generator(test::seed());
  const Ball ball = random_l2(50, 3, g, at::kDouble);
  const Tensor v = at::randn({50, 3}, g).to(at::kDouble) * 2;
  const Tensor distance = (attacks::project(ball, v) - v).square().sum(1);
  for (int trial = 0; trial < 400; ++trial) {
    const Tensor raw = at::randn({50, 3}, g).to(at::kDouble) * 2;
    Tensor other = at::minimum(at::maximum(raw, -ball.clean), 1 - ball.clean);
    const Tensor size = other.square().sum(1).sqrt();
    other =
        other * (ball.eps / size).clamp_max(1).unsqueeze(1);  // feasible: towards 0, inside the box
    BOOST_TEST(((other - v).square().sum(1) >= distance - 1e-9).all().item<bool>());
  }
}

BOOST_AUTO_TEST_CASE(clamping_after_rescaling_is_not_the_projection) {
  // clean at a corner: the outward entry is free of charge, so the other may use all of eps.
  const Ball ball = ball_of(Norm::l2, at::tensor({1.0, 0.0}).view({1, 2}).to(at::kDouble),
                            at::tensor({0.5}, at::kDouble), true);
  const Tensor d = attacks::project(ball, at::tensor({3.0, 0.9}, at::kDouble).view({1, 2}));
  BOOST_TEST(d[0][0].item<double>() == 0.0);
  BOOST_TEST(std::abs(d[0][1].item<double>() - 0.5) < 1e-12);
}

BOOST_AUTO_TEST_CASE(the_linf_projection_clips_to_both_intervals) {
  const Tensor clean = at::tensor({0.0, 0.05, 0.5, 1.0}, at::kDouble).view({1, 4});
  const Ball ball = ball_of(Norm::linf, clean, at::tensor({0.1}, at::kDouble), true);
  const Tensor d =
      attacks::project(ball, at::tensor({-1.0, -1.0, 1.0, 1.0}, at::kDouble).view({1, 4}));
  BOOST_TEST((d[0] - at::tensor({0.0, -0.05, 0.1, 0.0}, at::kDouble)).abs().max().item<double>() <
             1e-12);
}

BOOST_AUTO_TEST_CASE(every_token_has_a_ball_of_its_own) {
  const at::Generator g = make_generator(test::seed());
  const Ball ball{{Space::embedding, Norm::every_token, std::nullopt},
                  at::randn({5, 4, 3}, g),
                  at::full({5}, 0.7, at::kDouble),
                  {}};
  const Tensor v = at::randn({5, 4, 3}, g), d = attacks::project(ball, v);
  const Tensor before = v.square().sum(-1).sqrt(), after = d.square().sum(-1).sqrt();
  BOOST_TEST((after - before.clamp_max(0.7)).abs().max().item<double>() < 1e-6);
  const Tensor step = attacks::steepest(ball, at::zeros_like(v),
                                        v * at::tensor({1e-30, 1.0, 1e30, 0.0}).view({1, 4, 1}));
  const Tensor length = step.square().sum(-1).sqrt();
  BOOST_TEST((length.narrow(1, 0, 3) - 1).abs().max().item<double>() < 1e-6);
  BOOST_TEST(length.select(1, 3).abs().max().item<double>() == 0.0);
}

BOOST_AUTO_TEST_CASE(steps_survive_gradients_at_the_ends_of_fp32) {
  const Tensor clean = at::full({4, 2}, 0.5);
  const Ball ball = ball_of(Norm::l2, clean, at::ones({4}, at::kDouble), true);
  const Tensor g = at::tensor({3e-42f, 4e-42f, 3e30f, 4e30f, 0.0f, 0.0f, NAN, 1.0f}).view({4, 2});
  const Tensor step = attacks::steepest(ball, at::zeros_like(g), g);
  const Tensor expected = at::tensor({0.6f, 0.8f, 0.6f, 0.8f, 0.0f, 0.0f, 0.0f, 1.0f}).view({4, 2});
  BOOST_TEST((step - expected).abs().max().item<double>() < 1e-3);  // denormals have 11 bits here
}

BOOST_AUTO_TEST_CASE(steps_spend_nothing_on_faces_of_the_box) {
  const Tensor clean = at::tensor({1.0f, 0.0f, 0.5f, 0.5f}).view({1, 4});
  const Ball ball = ball_of(Norm::l2, clean, at::ones({1}, at::kDouble), true);
  const Tensor delta = at::tensor({0.0f, 0.0f, 0.5f, 0.0f}).view({1, 4});
  const Tensor g = at::tensor({9.0f, -9.0f, 9.0f, 1.0f}).view({1, 4});
  const Tensor expected = at::tensor({0.0f, 0.0f, 0.0f, 1.0f}).view({1, 4});
  BOOST_TEST(at::equal(attacks::steepest(ball, delta, g), expected));
  const Tensor inward = attacks::steepest(ball, delta, -g);
  BOOST_TEST((inward != 0).all().item<bool>());
}

BOOST_AUTO_TEST_CASE(random_points_are_uniform_in_the_ball) {
  const int64_t n = 20000;
  const Ball ball{{Space::pixels, Norm::l2, std::nullopt},
                  at::zeros({n, 3}),
                  at::full({n}, 2.0, at::kDouble),
                  {}};
  const Tensor key = at::arange(n) * 7919 + static_cast<int64_t>(test::seed());
  const Tensor d = attacks::random_point(ball, key);
  const Tensor share = (d.square().sum(1).sqrt() / 2).pow(3);  // uniform in (0, 1)
  for (const double q : {0.1, 0.5, 0.9}) {
    BOOST_TEST(std::abs((share < q).to(at::kDouble).mean().item<double>() - q) < 0.015);
  }
  BOOST_TEST(d.mean(0).abs().max().item<double>() < 0.03);
  const Tensor again = attacks::random_point(ball, key.flip(0));
  BOOST_TEST(at::equal(again.flip(0), d));
}

BOOST_AUTO_TEST_CASE(what_is_stored_stays_inside_eps_and_box_in_fp64) {
  const at::Generator g = make_generator(test::seed());
  for (const Norm norm : {Norm::l2, Norm::linf}) {
    for (const double eps : {1e-6, 1e-4, 8.0 / 255, 0.5}) {
      Ball ball = ball_of(norm, (at::rand({300, 50}, g) * 1.4 - 0.2).clamp(0, 1),
                          at::full({300}, eps, at::kDouble), true);
      const Tensor delta = attacks::project(ball, at::randn({300, 50}, g));
      const Tensor stored = attacks::settle(ball, delta);
      const Tensor moved = stored.to(at::kDouble) - ball.clean.to(at::kDouble);
      const Tensor size = attacks::size_up(ball.threat, moved);
      BOOST_TEST((size <= eps).all().item<bool>());
      // Rounding towards clean costs an ulp of the pixel at most.
      const Tensor wanted = attacks::size_up(ball.threat, delta.to(at::kDouble));
      BOOST_TEST((size >= wanted - 1e-6).all().item<bool>());
      BOOST_TEST((stored >= 0).logical_and(stored <= 1).all().item<bool>());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_box_that_fp32_cannot_name_is_kept_in_fp64) {
  Ball ball = ball_of(Norm::linf, at::full({1, 2}, 0.1), at::ones({1}, at::kDouble), true);
  ball.threat.box = models::Box{-0.1, 0.7};  // neither is a float; 0.7f is below, -0.1f below -0.1
  const Tensor stored =
      attacks::settle(ball, attacks::project(ball, at::tensor({-9.0f, 9.0f}).view({1, 2})));
  BOOST_TEST(stored[0][0].item<double>() >= -0.1);
  BOOST_TEST(stored[0][1].item<double>() <= 0.7);
}

BOOST_AUTO_TEST_CASE(sizes_are_rounded_up_and_one_token_means_one) {
  const Tensor delta = at::tensor({3.0, 4.0, 0.0, 0.0}, at::kDouble).view({1, 2, 2});
  for (const Norm norm : {Norm::l2, Norm::every_token, Norm::one_token}) {
    const double size = attacks::size_up({Space::embedding, norm, {}}, delta).item<double>();
    BOOST_TEST(size >= 5.0);
    BOOST_TEST(size <= 5.0 + 1e-12);
  }
  const Tensor both = at::tensor({3.0, 4.0, 0.0, 1e-9}, at::kDouble).view({1, 2, 2});
  BOOST_TEST(
      std::isinf(attacks::size_up({Space::embedding, Norm::one_token, {}}, both).item<double>()));
}

BOOST_AUTO_TEST_SUITE_END()
