#include "kernels/gram_bound.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>

#include "kernels/sigma_proof.hpp"
#include "kernels/stored.hpp"
#include "kernels/symmetric.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {

namespace {

constexpr std::array<int64_t, 2> kEntries{-2, -1};

at::Tensor square(const at::Tensor& l, const at::Tensor& r) {
  at::Tensor out = at::empty({l.size(0), l.size(1), l.size(1)}, l.options());
  symmetric_product(out, 0, {}, 1, l, r);
  return out;
}

// Schatten norms of a (batch, m, n) and their gradients.
struct Schatten {
  at::Tensor norm;   // (batch)
  at::Tensor slope;  // like the matrices
};

// G_0 = X X^T, n_t = ||G_t||_F, H_t = G_t / n_t, G_{t+1} = H_t^2. Then lambda(G_t) = n_t
// lambda(G_{t+1})^(1/2) and lambda(G_T) <= n_T, so sigma^2 = lambda(G_0) <= prod_t n_t^(1 / 2^t),
// which is N^2 for the Schatten norm N of order p = 2^(T+2). The gradient of N in X is parallel to
// (X X^T)^(p/2 - 1) X, that is to P X with P = H_0 ... H_T, since p/2 - 1 = 1 + 2 + ... + 2^T; and
// <gradient, X> = N, for N is homogeneous. Everything commutes.
Schatten schatten(const at::Tensor& w, int iterations, bool with_slope) {
  const at::NoGradGuard no_grad;
  // The largest entry first: squares of tiny or huge weights leave the range of the dtype.
  const at::Tensor largest = at::amax(at::abs(w), kEntries, true);
  const at::Tensor live = largest > 0;
  const at::Tensor unit = at::where(live, largest, 1.0);
  const at::Tensor x = w / unit;
  const bool tall = w.size(1) > w.size(2);
  const at::Tensor wide = tall ? x.mT() : x;
  const at::Tensor gram = square(wide, wide.mT());
  at::Tensor g = gram, power, log_square = at::zeros_like(unit);
  double share = 1;
  for (int t = 0; t <= iterations; ++t, share /= 2) {
    const at::Tensor norm = at::where(live, at::linalg_vector_norm(g, 2, kEntries, true), 1.0);
    log_square = log_square + norm.log() * share;
    const at::Tensor h = g / norm;
    if (with_slope) power = t == 0 ? h : square(power, h);
    if (t < iterations) g = square(h, h);
  }
  const at::Tensor size = (log_square / 2).exp();
  Schatten out{at::where(live, size * unit, 0.0).flatten(), {}};
  if (!with_slope) return out;
  const at::Tensor along = (power * gram).sum(kEntries, true);  // <P X, X>
  power = power * at::where(live, size / along, 0.0);
  out.slope = tall ? at::bmm(x, power) : at::bmm(power, x);
  return out;
}

// The slope is computed with the value, which is what most of it costs.
struct GramBound : torch::autograd::Function<GramBound> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& w,
                            int64_t iterations) {
    const Schatten s = schatten(w, iterations, true);
    context->save_for_backward({s.slope});
    return s.norm;
  }
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               const torch::autograd::tensor_list& gradient) {
    return {context->get_saved_variables()[0] * gradient[0].reshape({-1, 1, 1}), {}};
  }
};

}  // namespace

at::Tensor gram_bound(const at::Tensor& matrices, int iterations) {
  require(iterations >= 0, "expected 0 iterations or more, got {}", iterations);
  require(matrices.dim() >= 2 && matrices.numel() > 0, "expected matrices (..., m, n), got {}",
          shape_text(matrices.sizes()));
  const at::Tensor w = matrices.reshape({-1, matrices.size(-2), matrices.size(-1)});
  const bool differentiated = at::GradMode::is_enabled() && w.requires_grad();
  return differentiated ? GramBound::apply(w, iterations) : schatten(w, iterations, false).norm;
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
