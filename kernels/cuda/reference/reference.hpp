#pragma once

#include <cstdint>

// The kernels of launch.hpp once more, in double and as plain loops on the host: what a kernel is
// compared with. The same arguments with double in place of float, without the stream.
namespace taut::kernels::cuda::reference {

void polynomial_update(double a, const double* x, double b, const double* z, double* y,
                       int64_t size);

struct SymmetricProduct {
  int64_t batch = 0, n = 0, k = 0;
  double alpha = 1, beta = 0;
  const double* each = nullptr;
  const double* addend = nullptr;
  double* out = nullptr;
};
void symmetric_product(const double* x, const double* y, const SymmetricProduct& product);

void symmetric_times(double a, const double* x, const double* z, double* y, int64_t batch,
                     int64_t n, int64_t m);

void row_norms(const double* x, double* norms, int64_t rows, int64_t width);
void row_rms_cap(const double* x, double cap, double* y, int64_t rows, int64_t width);
void ball_clamp(const double* x, double radius, double* y, int64_t tokens, int64_t width);
void ball_clamp_backward(const double* x, const double* grad_y, double radius, double* grad_x,
                         int64_t tokens, int64_t width);

void power_step(const double* w, double* v, double* u, double* sigma, double* work, int64_t batch,
                int64_t m, int64_t n);
void rank_one_update(const double* w, const double* u, const double* v, const double* sigma,
                     double offset, double slope, double* y, int64_t batch, int64_t m, int64_t n);
void spectral_divide(const double* w, const double* sigma, double limit, double* y, int64_t batch,
                     int64_t m, int64_t n);

// By bisection in long double: k = w_max (1 + g) and al k^2 = t with t^2 (3 - t (3 - t)) =
// g / (1 + g).
void soft_cap_coupling(const double* w_max, const double* lr, const double* wd,
                       const double* update, double* alpha, int64_t count);

struct BallStep {
  int64_t rows = 0, groups = 0, width = 0;
  const double *clean = nullptr, *delta = nullptr, *gradient = nullptr;
  const unsigned char* movable = nullptr;
  int64_t span = 1;
  const double* eps = nullptr;
  double stride = 0;
  double low = 0, high = 0;
  double *delta_out = nullptr, *moved = nullptr;
};
void ball_step_linf(const BallStep& step);
void ball_step_l2(const BallStep& step);

}  // namespace taut::kernels::cuda::reference
