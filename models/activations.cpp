#include "models/activations.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "models/forward.hpp"

namespace taut::models {
namespace {

Tensor traced(const std::vector<Layer>& layers, size_t first, Tensor x, double& largest) {
  for (size_t i = first; i < layers.size(); ++i) {
    if (const auto* residual = std::get_if<Residual>(&layers[i].kind)) {
      traced(residual->branch, 0, x, largest);
    }
    x = apply(layers[i], x);
    largest = std::max(largest, x.abs().max().item<double>());
  }
  return x;
}

}  // namespace

double largest_activation(const Network& network, const Tensor& input, int64_t batch) {
  const at::NoGradGuard no_grad;
  double largest = 0;
  const size_t first = network.input.kind == InputKind::tokens ? 1 : 0;
  for (int64_t start = 0; start < input.size(0); start += batch) {
    const Tensor part = input.narrow(0, start, std::min(batch, input.size(0) - start));
    traced(network.layers, first, injection(network, part), largest);
  }
  return largest;
}

}  // namespace taut::models
