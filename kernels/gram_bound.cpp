#include "kernels/gram_bound.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "kernels/sigma_proof.hpp"
#include "kernels/stored.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {

// G_0 = X X^T, n_t = ||G_t||_F, G_{t+1} = (G_t / n_t)^2. Then lambda(G_t) = n_t
// lambda(G_{t+1})^(1/2) and lambda(G_T) <= n_T, so sigma^2 = lambda(G_0) <= prod_t n_t^(1 / 2^t).
at::Tensor gram_bound(const at::Tensor& matrices, int iterations) {
  require(iterations >= 0, "expected 0 iterations or more, got {}", iterations);
  require(matrices.dim() >= 2 && matrices.numel() > 0, "expected matrices (..., m, n), got {}",
          shape_text(matrices.sizes()));
  const at::Tensor w = matrices.reshape({-1, matrices.size(-2), matrices.size(-1)});
  // The largest entry first: squares of tiny or huge weights leave the range of the dtype.
  const at::Tensor largest = at::amax(at::abs(w.detach()), at::IntArrayRef{-2, -1}, true);
  const at::Tensor live = largest > 0;
  const at::Tensor unit = at::where(live, largest, 1.0);
  const at::Tensor x = w / unit;
  at::Tensor g = w.size(1) > w.size(2) ? at::matmul(x.mT(), x) : at::matmul(x, x.mT());
  at::Tensor log_square;
  double share = 1;
  for (int t = 0; t <= iterations; ++t, share /= 2) {
    const at::Tensor square = g.square().sum(at::IntArrayRef{-2, -1}, true);
    const at::Tensor norm = at::where(live, square, 1.0).sqrt();
    log_square = t == 0 ? norm.log() : log_square + norm.log() * share;
    if (t < iterations) g = at::matmul(g / norm, g / norm);
  }
  const at::Tensor sigma = (log_square / 2).exp() * unit;
  return at::where(live, sigma, 0.0).reshape({-1});
}

std::vector<double> sigma_witness(const at::Tensor& matrices, const TopPair& top) {
  const at::NoGradGuard no_grad;
  const at::Tensor batch = as_batch(matrices);
  const at::Tensor& side = batch.size(1) < batch.size(2) ? top.left : top.right;
  require(side.dim() == 2 && side.size(0) == batch.size(0) &&
              side.size(1) == std::min(batch.size(1), batch.size(2)),
          "expected singular vectors of {}, got {}", shape_text(matrices.sizes()),
          shape_text(side.sizes()));
  std::vector<double> lower;
  for (int64_t i = 0; i < batch.size(0); ++i) {
    const ScaledMatrix a = scale_to_unit(batch[i]);
    const at::Tensor v = side[i].to(at::kDouble).cpu().contiguous();
    const double* entries = v.const_data_ptr<double>();
    lower.push_back(a.zero() ? 0
                             : stored_lower(lower_witness(a, {entries, entries + v.numel()}), a));
  }
  return lower;
}

}  // namespace taut::kernels
