#pragma once

#include <ATen/core/Tensor.h>

// Tensors to launchers, on the current stream of their device. adapter.cpp where Torch has CUDA,
// adapter_absent.cpp elsewhere. Shapes and dtypes are checked by the callers in kernels/. Results
// are new tensors, except where there is an `out`, which is contiguous.
namespace taut::kernels::cuda {

// Whether the kernels take this tensor: in float, on a GPU.
bool serves(const at::Tensor& x);

at::Tensor polynomial_update(double a, const at::Tensor& x, double b, const at::Tensor& z);
// out = beta C + alpha each_i L Y^T, known to be symmetric: (batch, n, k) twice to (batch, n, n);
// each (batch) in double, or undefined.
void symmetric_product(at::Tensor out, double beta, const at::Tensor& c, double alpha,
                       const at::Tensor& l, const at::Tensor& y, const at::Tensor& each);
// On tensor cores, for updates that are measured or certified afterwards: x in float rounded to
// tf32, or in bfloat16; the result in float.
at::Tensor gram_product_rounded(const at::Tensor& x);
void symmetric_times(at::Tensor out, double a, const at::Tensor& x, const at::Tensor& z);

at::Tensor row_norms(const at::Tensor& x);  // (..., d) to (...) in double
at::Tensor row_rms_cap(const at::Tensor& x, double cap);
at::Tensor ball_clamp(const at::Tensor& x, double radius);
at::Tensor ball_clamp_backward(const at::Tensor& x, const at::Tensor& grad, double radius);

// W (batch, m, n), v (batch, n) is replaced, u (batch, m); returns sigma (batch) in double.
at::Tensor power_step(const at::Tensor& w, at::Tensor& v, at::Tensor& u);
at::Tensor rank_one_update(const at::Tensor& w, const at::Tensor& u, const at::Tensor& v,
                           const at::Tensor& sigma, double offset, double slope);
at::Tensor spectral_divide(const at::Tensor& w, const at::Tensor& sigma, double limit);

// All (count) double; NaN where no alpha holds the cap.
at::Tensor soft_cap_coupling(const at::Tensor& w_max, const at::Tensor& lr, const at::Tensor& wd,
                             const at::Tensor& update);

// One step of an attack, see BallStep in launch.hpp. clean, delta, gradient (rows, groups, width);
// eps (rows) double; movable bool, one for each `span` entries, or undefined.
struct Step {
  at::Tensor clean, delta, gradient, movable, eps;
  int64_t span = 1;
  double stride = 0;
  float low = 0, high = 0;
  bool l2 = false;
};
struct Stepped {
  at::Tensor delta, moved;
};
Stepped ball_step(const Step& step);

}  // namespace taut::kernels::cuda
