#include <algorithm>
#include <cmath>

#include "kernels/cuda/reference/reference.hpp"

namespace taut::kernels::cuda::reference {

void polynomial_update(double a, const double* x, double b, const double* z, double* y,
                       int64_t size) {
  for (int64_t i = 0; i < size; ++i) y[i] = a * x[i] + b * z[i];
}

void symmetric_product(const double* x, const double* y, const SymmetricProduct& p) {
  for (int64_t matrix = 0; matrix < p.batch; ++matrix) {
    const double alpha = p.each != nullptr ? p.alpha * p.each[matrix] : p.alpha;
    for (int64_t i = 0; i < p.n; ++i) {
      for (int64_t j = i; j < p.n; ++j) {
        const double* left = x + (matrix * p.n + i) * p.k;
        const double* right = y + (matrix * p.n + j) * p.k;
        double sum = 0;
        for (int64_t k = 0; k < p.k; ++k) sum += left[k] * right[k];
        const int64_t at = (matrix * p.n + i) * p.n + j, image = (matrix * p.n + j) * p.n + i;
        const bool adds = p.addend != nullptr && p.beta != 0;
        p.out[at] = adds ? alpha * sum + p.beta * p.addend[at] : alpha * sum;
        p.out[image] = p.out[at];
      }
    }
  }
}

void symmetric_times(double a, const double* x, const double* z, double* y, int64_t batch,
                     int64_t n, int64_t m) {
  for (int64_t matrix = 0; matrix < batch; ++matrix) {
    const double* from = x + matrix * n * m;
    double* to = y + matrix * n * m;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < m; ++j) to[i * m + j] = a * from[i * m + j];
      for (int64_t k = 0; k < n; ++k) {
        const double factor = z[(matrix * n + k) * n + i];  // Z is read as its transpose
        for (int64_t j = 0; j < m; ++j) to[i * m + j] += factor * from[k * m + j];
      }
    }
  }
}

// work: batch * max(m, n)
void power_step(const double* w, double* v, double* u, double* sigma, double*, int64_t batch,
                int64_t m, int64_t n) {
  const auto to_unit = [](double* x, int64_t size) {
    double square = 0;
    for (int64_t i = 0; i < size; ++i) square += x[i] * x[i];
    const double norm = std::sqrt(square);
    for (int64_t i = 0; i < size; ++i) x[i] = norm > 0 ? x[i] / norm : 0;
    return norm;
  };
  for (int64_t matrix = 0; matrix < batch; ++matrix) {
    const double* a = w + matrix * m * n;
    double* left = u + matrix * m;
    double* right = v + matrix * n;
    for (int64_t i = 0; i < m; ++i) {
      left[i] = 0;
      for (int64_t j = 0; j < n; ++j) left[i] += a[i * n + j] * right[j];
    }
    to_unit(left, m);
    std::fill(right, right + n, 0.0);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) right[j] += a[i * n + j] * left[i];
    }
    sigma[matrix] = to_unit(right, n);
  }
}

void rank_one_update(const double* w, const double* u, const double* v, const double* sigma,
                     double offset, double slope, double* y, int64_t batch, int64_t m, int64_t n) {
  for (int64_t row = 0; row < batch * m; ++row) {
    const double top = sigma[row / m];
    const double weight = top > 0 ? (offset + slope * top) * u[row] : 0;
    for (int64_t j = 0; j < n; ++j) y[row * n + j] = w[row * n + j] + weight * v[row / m * n + j];
  }
}

void spectral_divide(const double* w, const double* sigma, double limit, double* y, int64_t batch,
                     int64_t m, int64_t n) {
  for (int64_t i = 0; i < batch * m * n; ++i) {
    y[i] = w[i] / std::max(1.0, sigma[i / (m * n)] / limit);
  }
}

void soft_cap_coupling(const double* w_max, const double* lr, const double* wd,
                       const double* update, double* alpha, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const long double growth =
        static_cast<long double>(lr[i]) * (static_cast<long double>(update[i]) / w_max[i] - wd[i]);
    const bool sensible = w_max[i] > 0 && lr[i] >= 0 && wd[i] >= 0 && update[i] >= 0 &&
                          std::isfinite(w_max[i] + lr[i] + wd[i] + update[i]) &&
                          lr[i] * wd[i] <= 1 && growth <= 19.0L / 62;
    if (!sensible || growth <= 0) {
      alpha[i] = sensible ? 0 : std::nan("");
      continue;
    }
    long double low = 0, high = 1.0L / 3;
    for (int halving = 0; halving < 200; ++halving) {
      const long double t = (low + high) / 2;
      (t * t * (3 - t * (3 - t)) < growth / (1 + growth) ? low : high) = t;
    }
    const long double k = w_max[i] * (1 + growth);
    alpha[i] = static_cast<double>(high / (k * k));
  }
}

}  // namespace taut::kernels::cuda::reference
