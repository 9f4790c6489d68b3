#include "kernels/ball_clamp.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "tests/support.hpp"

using namespace taut;

namespace {

constexpr double kRadius = 0.8;

at::Tensor rms(const at::Tensor& x) { return x.square().mean(-1, true).sqrt(); }

// The derivative in closed form, in double: a projection along x, scaled, outside the ball.
at::Tensor pulled_back(const at::Tensor& x, const at::Tensor& g) {
  const at::Tensor along = (x * g).sum(-1, true) / x.square().sum(-1, true);
  return at::where(rms(x) < kRadius, g, kRadius / rms(x) * (g - x * along));
}

// Off by the roundings of a mean of `width` squares, a root, two quotients and two products.
void check_clamp(at::Device device, at::ScalarType dtype) {
  const at::Generator random = make_generator(test::seed());
  const double unit = dtype == at::kFloat ? 0x1p-24 : 0x1p-53;
  for (const int64_t width : {1, 5, 64, 1500}) {
    const double share = static_cast<double>(2 * width + 20) * unit;
    const at::Tensor x = (at::randn({3, 4, width}, random, dtype) *
                          at::logspace(-1, 1, 12, 10, dtype).view({3, 4, 1}))
                             .to(device)
                             .requires_grad_();
    const at::Tensor g = at::randn({3, 4, width}, random, dtype).to(device);
    const at::Tensor y = kernels::ball_clamp(x, kRadius);
    const at::Tensor gradient = torch::autograd::grad({y}, {x}, {g})[0];

    const at::Tensor wide = x.detach().to(at::kCPU, at::kDouble),
                     g_wide = g.to(at::kCPU, at::kDouble);
    const at::Tensor inside = rms(wide) <= kRadius;
    const at::Tensor expected = wide / (rms(wide) / kRadius).clamp_min(1);
    const at::Tensor got = y.detach().to(at::kCPU, at::kDouble);
    BOOST_TEST(((got - expected).abs() <= share * expected.abs()).all().item<bool>());
    BOOST_TEST(at::where(inside, got == wide, at::ones_like(got, at::kBool)).all().item<bool>());
    BOOST_TEST(inside.any().item<bool>());
    BOOST_TEST(!inside.all().item<bool>());
    // Entries of the gradient cancel, so their error is a share of the token's whole gradient.
    const at::Tensor size = at::linalg_vector_norm(g_wide, 2, {-1}, true);
    BOOST_TEST(
        ((gradient.to(at::kCPU, at::kDouble) - pulled_back(wide, g_wide)).abs() <= 2 * share * size)
            .all()
            .item<bool>());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ball_clamp_test)

BOOST_AUTO_TEST_CASE(is_the_projection_and_its_derivative) {
  for (const auto dtype : {at::kFloat, at::kDouble}) check_clamp(at::kCPU, dtype);
}

BOOST_AUTO_TEST_CASE(is_the_projection_and_its_derivative_on_cuda) {
  if (!at::globalContext().hasCUDA()) return test::skip("no CUDA device");
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    check_clamp(at::Device(at::kCUDA, 0), dtype);
  }
}

BOOST_AUTO_TEST_SUITE_END()
