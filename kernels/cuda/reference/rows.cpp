#include <cmath>
#include <limits>

#include "kernels/cuda/reference/reference.hpp"

namespace taut::kernels::cuda::reference {
namespace {

double dot(const double* x, const double* y, int64_t width) {
  double sum = 0;
  for (int64_t i = 0; i < width; ++i) sum += x[i] * y[i];
  return sum;
}

}  // namespace

void row_norms(const double* x, double* norms, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; ++row) {
    norms[row] = std::sqrt(dot(x + row * width, x + row * width, width));
  }
}

void row_rms_cap(const double* x, double cap, double* y, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    const double rms = std::sqrt(dot(x, x, width) / static_cast<double>(width));
    const double all = std::isfinite(rms) ? 0 : std::numeric_limits<double>::quiet_NaN();
    for (int64_t i = 0; i < width; ++i) y[i] = (rms > cap ? x[i] / (rms / cap) : x[i]) + all;
  }
}

void ball_clamp(const double* x, double radius, double* y, int64_t tokens, int64_t width) {
  for (int64_t token = 0; token < tokens; ++token, x += width, y += width) {
    const double rms = std::sqrt(dot(x, x, width) / static_cast<double>(width));
    for (int64_t i = 0; i < width; ++i) y[i] = rms <= radius ? x[i] : x[i] / (rms / radius);
  }
}

// Outside, y = s x with s = radius / RMS(x) and ds = -s <x, dx> / ||x||^2.
void ball_clamp_backward(const double* x, const double* grad_y, double radius, double* grad_x,
                         int64_t tokens, int64_t width) {
  for (int64_t token = 0; token < tokens; ++token) {
    const double square = dot(x, x, width), along = dot(x, grad_y, width);
    const double rms = std::sqrt(square / static_cast<double>(width));
    for (int64_t i = 0; i < width; ++i) {
      grad_x[i] = rms < radius ? grad_y[i] : radius / rms * (grad_y[i] - x[i] * (along / square));
    }
    x += width, grad_y += width, grad_x += width;
  }
}

}  // namespace taut::kernels::cuda::reference
