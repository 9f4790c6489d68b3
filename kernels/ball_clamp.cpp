#include "kernels/ball_clamp.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/cuda/adapter.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

using at::Tensor;

struct Clamp : torch::autograd::Function<Clamp> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, double radius) {
    context->save_for_backward({x});
    context->saved_data["radius"] = radius;
    return cuda::ball_clamp(x, radius);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grad) {
    const Tensor x = context->get_saved_variables()[0];
    require(!at::GradMode::is_enabled(), "the ball clamp on CUDA has no second derivative");
    return {cuda::ball_clamp_backward(x, grad[0], context->saved_data["radius"].toDouble()),
            Tensor()};
  }
};

}  // namespace

Tensor ball_clamp(const Tensor& x, double radius) {
  if (cuda::serves(x) && x.dim() > 0) return Clamp::apply(x, radius);
  const Tensor rms = x.square().mean(-1, /*keepdim=*/true).sqrt();
  return x / (rms / radius).clamp_min(1);
}

}  // namespace taut::kernels
