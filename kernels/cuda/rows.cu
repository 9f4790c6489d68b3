#include <cmath>
#include <cstdint>

#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/row_team.hpp"

namespace taut::kernels::cuda {
namespace {

__device__ double squared(float x) { return static_cast<double>(x) * x; }

template <int size>
__global__ void norms(const float* x, double* out, int64_t rows, int64_t width) {
  const Team<size> team;
  for (int64_t row = team.first; row < rows; row += team.stride) {
    const float* in = x + row * width;
    const double square = team.sum_over(width, [&](int64_t i) { return squared(in[i]); });
    if (team.rank == 0) out[row] = raised_root(square, 1, width);
  }
}

// The factor that brings a row with this RMS to the cap, its entries rounded: first 2^-22 below,
// which is four roundings and enough but for subnormal entries. At last 0, which holds any cap.
template <int size>
__device__ double capping_factor(const Team<size>& team, const float* x, double rms, double cap,
                                 int64_t width) {
  double margin = 0x1p-22;
  for (int round = 0; round < 20; ++round, margin *= 4) {
    const double factor = cap / (rms * (1 + margin));
    const double square =
        team.sum_over(width, [&](int64_t i) { return squared(static_cast<float>(x[i] * factor)); });
    if (raised_root(square, static_cast<double>(width), width) <= cap) return factor;
  }
  return 0;
}

// Two reads and a write, three of each where a row is over the cap; the later ones hit the cache.
template <int size>
__global__ void caps(const float* x, double cap, float* y, int64_t rows, int64_t width) {
  const Team<size> team;
  for (int64_t row = team.first; row < rows; row += team.stride) {
    const float* in = x + row * width;
    float* out = y + row * width;
    const double square = team.sum_over(width, [&](int64_t i) { return squared(in[i]); });
    const double rms = raised_root(square, static_cast<double>(width), width);
    const double nothing = square * 0;  // NaN with NaN or infinity in the row
    const double factor =
        rms > cap && nothing == 0 ? capping_factor(team, in, rms, cap, width) : 1.0;
    for (int64_t i = team.rank; i < width; i += size) {
      out[i] = static_cast<float>(in[i] * factor + nothing);
    }
  }
}

// The factor is 1 on the ball's inside: entries pass through unchanged.
template <int size>
__global__ void clamp(const float* x, double radius, float* y, int64_t tokens, int64_t width) {
  const Team<size> team;
  for (int64_t token = team.first; token < tokens; token += team.stride) {
    const float* in = x + token * width;
    const double square = team.sum_over(width, [&](int64_t i) { return squared(in[i]); });
    const double rms = sqrt(square / static_cast<double>(width));
    const double factor = rms <= radius ? 1.0 : radius / rms;
    for (int64_t i = team.rank; i < width; i += size) {
      y[token * width + i] = static_cast<float>(in[i] * factor);
    }
  }
}

// Outside, y = s x with s = radius / RMS(x) and ds = -s <x, dx> / ||x||^2. x and its gradient are
// read twice, the second time from the cache; nothing is kept from the forward pass.
template <int size>
__global__ void clamp_backward(const float* x, const float* grad_y, double radius, float* grad_x,
                               int64_t tokens, int64_t width) {
  const Team<size> team;
  for (int64_t token = team.first; token < tokens; token += team.stride) {
    const float* in = x + token * width;
    const float* grad = grad_y + token * width;
    const double square = team.sum_over(width, [&](int64_t i) { return squared(in[i]); });
    const double along =
        team.sum_over(width, [&](int64_t i) { return static_cast<double>(in[i]) * grad[i]; });
    const double rms = sqrt(square / static_cast<double>(width));
    const bool inside = rms < radius;
    const double factor = inside ? 1.0 : radius / rms, share = inside ? 0.0 : along / square;
    for (int64_t i = team.rank; i < width; i += size) {
      grad_x[token * width + i] = static_cast<float>(factor * (grad[i] - in[i] * share));
    }
  }
}

}  // namespace

const char* row_norms(const float* x, double* out, int64_t rows, int64_t width, Stream stream) {
  if (rows <= 0 || width <= 0) return nullptr;
  return start_rows(norms<kWarp>, norms<kRowThreads>, rows, width, stream, x, out, rows, width);
}

const char* row_rms_cap(const float* x, double cap, float* y, int64_t rows, int64_t width,
                        Stream stream) {
  if (rows <= 0 || width <= 0) return nullptr;
  return start_rows(caps<kWarp>, caps<kRowThreads>, rows, width, stream, x, cap, y, rows, width);
}

const char* ball_clamp(const float* x, double radius, float* y, int64_t tokens, int64_t width,
                       Stream stream) {
  if (tokens <= 0 || width <= 0) return nullptr;
  return start_rows(clamp<kWarp>, clamp<kRowThreads>, tokens, width, stream, x, radius, y, tokens,
                    width);
}

const char* ball_clamp_backward(const float* x, const float* grad_y, double radius, float* grad_x,
                                int64_t tokens, int64_t width, Stream stream) {
  if (tokens <= 0 || width <= 0) return nullptr;
  return start_rows(clamp_backward<kWarp>, clamp_backward<kRowThreads>, tokens, width, stream, x,
                    grad_y, radius, grad_x, tokens, width);
}

}  // namespace taut::kernels::cuda
