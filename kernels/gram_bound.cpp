#include "kernels/gram_bound.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>

#include "kernels/sigma_proof.hpp"
#include "kernels/stored.hpp"
#include "kernels/symmetric.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

constexpr std::array<int64_t, 2> kEntries{-2, -1};

// L R, known to be symmetric.
at::Tensor product(const at::Tensor& l, const at::Tensor& r) {
  at::Tensor out = at::empty({l.size(0), l.size(1), l.size(1)}, l.options());
  symmetric_product(out, 0, {}, 1, l, r);
  return out;
}

at::Tensor batch_of(const at::Tensor& matrices) {
  require(matrices.dim() >= 2 && matrices.numel() > 0, "expected matrices (..., m, n), got {}",
          shape_text(matrices.sizes()));
  return matrices.reshape({-1, matrices.size(-2), matrices.size(-1)});
}

bool tall(const at::Tensor& w) { return w.size(1) > w.size(2); }

struct Schatten {
  at::Tensor norm;  // (batch)
  at::Tensor form;  // (batch, s, s)
};

// G_0 = X X^T, n_t = ||G_t||_F, H_t = G_t / n_t, G_{t+1} = H_t^2. Then lambda(G_t) = n_t
// lambda(G_{t+1})^(1/2) and lambda(G_T) <= n_T, so sigma^2 = lambda(G_0) <= prod_t n_t^(1 / 2^t),
// which is N^2 for the Schatten norm N of order p = 2^(T+2). N dN is parallel to (X X^T)^(p/2 - 1)
// X, that is to P X with P = H_0 ... H_T, since p/2 - 1 = 1 + 2 + ... + 2^T; and N is homogeneous,
// so the form is P N^2 / <P X, X>. Everything commutes.
Schatten schatten(const at::Tensor& matrices, int iterations, bool with_form) {
  const at::NoGradGuard no_grad;
  require(iterations >= 0, "expected 0 iterations or more, got {}", iterations);
  const at::Tensor w = batch_of(matrices.detach());
  // The largest entry first: squares of tiny or huge weights leave the range of the dtype.
  const at::Tensor largest = at::amax(at::abs(w), kEntries, true);
  const at::Tensor live = largest > 0;
  const at::Tensor unit = at::where(live, largest, 1.0);
  const at::Tensor x = w / unit;
  const at::Tensor wide = tall(x) ? x.mT() : x;
  const at::Tensor gram = product(wide, wide.mT());
  at::Tensor g = gram, power, log_square = at::zeros_like(unit);
  double share = 1;
  for (int t = 0; t <= iterations; ++t, share /= 2) {
    const at::Tensor norm = at::where(live, at::linalg_vector_norm(g, 2, kEntries, true), 1.0);
    log_square = log_square + norm.log() * share;
    const at::Tensor h = g / norm;
    if (with_form) power = t == 0 ? h : product(power, h);
    if (t < iterations) g = product(h, h);
  }
  const at::Tensor size = (log_square / 2).exp();
  Schatten out{at::where(live, size * unit, 0.0).flatten(), {}};
  if (!with_form) return out;
  const at::Tensor along = (power * gram).sum(kEntries, true);  // <P X, X>
  out.form = power * at::where(live, size * size / along, 0.0);
  return out;
}

// The gradient is computed with the value, which is what most of it costs.
struct FormNorm : torch::autograd::Function<FormNorm> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& w,
                            const at::Tensor& form) {
    const at::Tensor image = tall(w) ? at::bmm(w, form) : at::bmm(form, w);
    const at::Tensor norm = (image * w).sum(kEntries, true).clamp_min_(0).sqrt_();
    context->save_for_backward({image.mul_(at::where(norm > 0, norm.reciprocal(), 0.0))});
    return norm.flatten();
  }
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               const torch::autograd::tensor_list& gradient) {
    return {context->get_saved_variables()[0] * gradient[0].reshape({-1, 1, 1}), {}};
  }
};

}  // namespace

at::Tensor gram_bound(const at::Tensor& matrices, int iterations) {
  return schatten(matrices, iterations, false).norm;
}

at::Tensor gram_form(const at::Tensor& matrices, int iterations) {
  return schatten(matrices, iterations, true).form;
}

at::Tensor form_norm(const at::Tensor& matrices, const at::Tensor& form) {
  const at::Tensor w = batch_of(matrices);
  const int64_t side = std::min(w.size(1), w.size(2));
  require(form.dim() == 3 && form.size(0) == w.size(0) && form.size(1) == side &&
              form.size(2) == side && form.scalar_type() == w.scalar_type(),
          "expected a form for each of {}, got {} {}", shape_text(matrices.sizes()),
          toString(form.scalar_type()), shape_text(form.sizes()));
  return FormNorm::apply(w, form);
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
