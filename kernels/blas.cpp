#include "kernels/blas.hpp"

#include <cblas.h>

#include <limits>
#include <mutex>

#include "kernels/build.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

std::mutex in_use;

blasint side(int64_t size) {
  require(size <= std::numeric_limits<blasint>::max(),
          "expected sides under 2^31 for a BLAS call, got {}", size);
  return static_cast<blasint>(size);
}

}  // namespace

std::string blas_name() {
  return fmt::format("{} ({} kernels)", openblas_get_config(), openblas_get_corename());
}

void gram_product(const double* a, bool tall, int64_t n, int64_t k, int64_t stride, double* c) {
  const std::lock_guard<std::mutex> lock(in_use);
  cblas_dsyrk(CblasRowMajor, CblasLower, tall ? CblasTrans : CblasNoTrans, side(n), side(k), 1.0, a,
              side(stride), 0.0, c, side(n));
}

void subtract_product(double* c, const double* a, const double* b, int64_t m, int64_t n, int64_t k,
                      int64_t stride) {
  const std::lock_guard<std::mutex> lock(in_use);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, side(m), side(n), side(k), -1.0, a,
              side(stride), b, side(stride), 1.0, c, side(stride));
}

}  // namespace taut::kernels
