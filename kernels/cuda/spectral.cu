#include <cmath>
#include <cstdint>

#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/row_team.hpp"

namespace taut::kernels::cuda {
namespace {

// out[row] = <row of W, v of its matrix>
template <int size>
__global__ void image(const float* w, const float* v, double* out, int64_t batch, int64_t m,
                      int64_t n) {
  const Team<size> team;
  for (int64_t row = team.first; row < batch * m; row += team.stride) {
    const float* x = w + row * n;
    const float* y = v + row / m * n;
    const double sum =
        team.sum_over(n, [&](int64_t j) { return static_cast<double>(x[j]) * y[j]; });
    if (team.rank == 0) out[row] = sum;
  }
}

struct Columns {
  double part[kRowThreads / kWarp][kWarp];
};

// out[col] = <column of W, u of its matrix>: 32 columns a block, every eighth row for each of its
// warps, so that a warp reads 128 bytes of a row.
__global__ void __launch_bounds__(kRowThreads)
    image_transposed(const float* w, const float* u, double* out, int64_t batch, int64_t m,
                     int64_t n) {
  auto& columns = block_memory<Columns>();
  const int lane = static_cast<int>(threadIdx.x) % kWarp,
            warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t groups = (n + kWarp - 1) / kWarp;
  for (int64_t item = blockIdx.x; item < batch * groups; item += gridDim.x) {
    const int64_t matrix = item / groups, col = item % groups * kWarp + lane;
    const float* x = w + matrix * m * n;
    double sum = 0;
    if (col < n) {
#pragma unroll 4
      for (int64_t i = warp; i < m; i += kRowThreads / kWarp) {
        sum += static_cast<double>(x[i * n + col]) * u[matrix * m + i];
      }
    }
    columns.part[warp][lane] = sum;
    __syncthreads();
    if (warp == 0 && col < n) {
      double total = 0;
      for (const auto& part : columns.part) total += part[lane];
      out[matrix * n + col] = total;
    }
    __syncthreads();
  }
}

// out = x / ||x|| for each vector, and the norm; 0 for the zero vector.
__global__ void to_unit(const double* x, float* out, double* norm_out, int64_t batch,
                        int64_t width) {
  const Team<kRowThreads> team;
  for (int64_t row = team.first; row < batch; row += team.stride) {
    const double* in = x + row * width;
    const double norm = sqrt(team.sum_over(width, [&](int64_t i) { return in[i] * in[i]; }));
    for (int64_t i = team.rank; i < width; i += kRowThreads) {
      out[row * width + i] = norm == 0 ? 0.0f : static_cast<float>(in[i] / norm);
    }
    if (norm_out != nullptr && team.rank == 0) norm_out[row] = norm;
  }
}

template <int size>
__global__ void add_rank_one(const float* w, const float* u, const float* v, const double* sigma,
                             double offset, double slope, float* y, int64_t rows, int64_t m,
                             int64_t n) {
  const Team<size> team;
  for (int64_t row = team.first; row < rows; row += team.stride) {
    const double top = sigma[row / m];
    // A zero matrix has no direction to raise; NaN stays to be seen.
    const double weight = top == 0 ? 0.0 : (offset + slope * top) * u[row];
    const float* right = v + row / m * n;
    for (int64_t j = team.rank; j < n; j += size) {
      y[row * n + j] = static_cast<float>(w[row * n + j] + weight * right[j]);
    }
  }
}

template <int size>
__global__ void divide(const float* w, const double* sigma, double limit, float* y, int64_t rows,
                       int64_t m, int64_t n) {
  const Team<size> team;
  for (int64_t row = team.first; row < rows; row += team.stride) {
    const double top = sigma[row / m], factor = top <= limit ? 1.0 : limit / top;
    for (int64_t j = team.rank; j < n; j += size) {
      y[row * n + j] = static_cast<float>(w[row * n + j] * factor);
    }
  }
}

}  // namespace

// Four launches in order, no word to the host: two passes over W, which are what limits, and two
// over vectors. A pass by columns has a block for 32 of them: one matrix of 1,024 columns keeps 32
// multiprocessors busy, a batch all.
const char* power_step(const float* w, float* v, float* u, double* sigma, double* work,
                       int64_t batch, int64_t m, int64_t n, Stream stream) {
  if (batch <= 0 || m <= 0 || n <= 0) return nullptr;
  constexpr int64_t most = 1 << 16;
  const int64_t columns = batch * ((n + kWarp - 1) / kWarp);
  const Grid vectors{batch < most ? batch : most, kRowThreads, sizeof(RowMemory)};
  const char* error =
      start_rows(image<kWarp>, image<kRowThreads>, batch * m, n, stream, w, v, work, batch, m, n);
  if (error == nullptr) {
    error = start(to_unit, vectors, stream, work, u, static_cast<double*>(nullptr), batch, m);
  }
  if (error == nullptr) {
    error = start(image_transposed, {columns < most ? columns : most, kRowThreads, sizeof(Columns)},
                  stream, w, u, work, batch, m, n);
  }
  return error != nullptr ? error : start(to_unit, vectors, stream, work, v, sigma, batch, n);
}

const char* rank_one_update(const float* w, const float* u, const float* v, const double* sigma,
                            double offset, double slope, float* y, int64_t batch, int64_t m,
                            int64_t n, Stream stream) {
  if (batch <= 0 || m <= 0 || n <= 0) return nullptr;
  return start_rows(add_rank_one<kWarp>, add_rank_one<kRowThreads>, batch * m, n, stream, w, u, v,
                    sigma, offset, slope, y, batch * m, m, n);
}

const char* spectral_divide(const float* w, const double* sigma, double limit, float* y,
                            int64_t batch, int64_t m, int64_t n, Stream stream) {
  if (batch <= 0 || m <= 0 || n <= 0) return nullptr;
  return start_rows(divide<kWarp>, divide<kRowThreads>, batch * m, n, stream, w, sigma, limit, y,
                    batch * m, m, n);
}

}  // namespace taut::kernels::cuda
