#include "kernels/orthogonalize.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/polar_sets.hpp"
#include "kernels/stored.hpp"
#include "kernels/symmetric.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

// (batch, 1, 1) in double, at least sigma of every matrix: the Schatten-4 norm ||G||_F^(1/2) of the
// computed G = fl(X X^T). ||G - X X^T|| <= gamma_n ||X||_F^2 and ||X||_F^2 <= tr G / (1 - gamma_n)
// for inner products of length n in the dtype's arithmetic; 8 units cover the conversion back and
// the division, 1e-9 the sums in double. A set may blow up above 1, hence never below sigma.
at::Tensor norm_up(const at::Tensor& gram, int64_t length, double unit) {
  const double nu = static_cast<double>(length) * unit;
  require(nu < 0.25, "expected an inner dimension under {} for this dtype, got {}", 0.25 / unit,
          length);
  const double gamma = nu / (1 - nu);
  const at::Tensor g = gram.to(at::kDouble);
  const at::Tensor trace = g.diagonal(0, -2, -1).sum(-1) * (gamma / (1 - gamma));
  const at::Tensor square = at::linalg_vector_norm(g, 2, at::IntArrayRef{-2, -1}) + trace;
  return square.sqrt().mul(1 + 1e-9 + 8 * unit).reshape({-1, 1, 1});
}

// Wide matrices with entries of at most 1 in magnitude, not all zero.
at::Tensor polar(at::Tensor x, PolarSet set) {
  at::Tensor a = gram_product(x);
  const at::Tensor norm = norm_up(a, x.size(-1), unit_roundoff(x.scalar_type()));
  x = x / norm.to(x.scalar_type());
  a = a / norm.square().to(x.scalar_type());  // the first Gram product serves the first step
  bool first = true;
  for (const Quintic& step : polar_steps(set)) {
    if (!first) a = gram_product(x);
    first = false;
    x = symmetric_times(step.a, x, quadratic(step.b, a, step.c));
  }
  return x;
}

}  // namespace

at::Tensor orthogonalize(const at::Tensor& matrices, PolarSet set) {
  const at::NoGradGuard no_grad;
  require(matrices.scalar_type() == at::kFloat || matrices.scalar_type() == at::kDouble,
          "expected matrices of float or double, got {}", toString(matrices.scalar_type()));
  at::Tensor x = as_batch(matrices);
  if (x.numel() == 0) return matrices.clone();
  // The largest entry first: squares of tiny or huge gradients leave the range of float.
  const at::Tensor largest = at::amax(at::abs(x), at::IntArrayRef{-2, -1}, true);
  require(at::isfinite(largest).all().item<bool>(),
          "expected finite matrices to orthogonalize, got NaN or infinity in {}",
          shape_text(matrices.sizes()));
  const at::Tensor zero = largest == 0;
  x = x / at::where(zero, at::ones_like(largest), largest);
  const bool tall = x.size(-2) > x.size(-1);
  x = polar(tall ? x.mT().contiguous() : x, set);
  x = at::where(zero, at::zeros_like(x), x);  // 0 / 0 of the norm
  return (tall ? x.mT() : x).reshape(matrices.sizes()).contiguous();
}

}  // namespace taut::kernels
