#include "src/train/tracking.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "kernels/certified_sigma.hpp"
#include "models/walk.hpp"
#include "src/train/constraint.hpp"

namespace taut::train {

Tracking track(const models::Network& network, const at::Tensor& input) {
  const at::NoGradGuard no_grad;
  Tracking tracking{models::activation_ranges(network, input), {}};
  models::for_each_tensor(
      network, [&](const std::string& path, const at::Tensor& w, models::Role role) {
        if (!is_matrix(role)) return;
        const auto intervals = kernels::certified_sigma(w);
        const at::Tensor squares = w.to(at::kDouble).square().sum({-2, -1}).view({-1});
        for (size_t i = 0; i < intervals.size(); ++i) {
          const auto block = static_cast<int64_t>(i);
          const double square = squares[block].item<double>(), upper = intervals[i].upper;
          tracking.weights.push_back(
              {path, block, intervals[i].lower, upper, upper > 0 ? square / (upper * upper) : 0});
        }
      });
  return tracking;
}

}  // namespace taut::train
