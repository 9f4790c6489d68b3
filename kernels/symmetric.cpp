#include "kernels/symmetric.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "kernels/cuda/adapter.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

// Smaller tiles save more of the square and lose more to packing: at 768 a tile of 192 leaves 10 of
// 16. tests/bench/kernels.cpp shows what remains of that.
constexpr int64_t kTile = 192;

struct Tile {
  int64_t row, column;
};

// Tile number t of the upper triangle, column by column.
Tile upper_tile(int64_t t) {
  int64_t column = 0;
  while (t > column) t -= ++column;
  return {t, column};
}

at::Tensor block(const at::Tensor& x, const Tile& at, int64_t side) {
  const int64_t row = at.row * side, column = at.column * side;
  return x.narrow(0, row, std::min(side, x.size(0) - row))
      .narrow(1, column, std::min(side, x.size(1) - column));
}

at::Tensor rows_of(const at::Tensor& x, int64_t index, int64_t side) {
  return x.narrow(0, index * side, std::min(side, x.size(0) - index * side));
}

void tile_product(const at::Tensor& out, double beta, const at::Tensor& c, double alpha,
                  const at::Tensor& l, const at::Tensor& r, const Tile& at) {
  at::Tensor target = block(out, at, kTile);
  const at::Tensor left = rows_of(l, at.row, kTile);
  const at::Tensor right = rows_of(r.t(), at.column, kTile).t();
  const at::Tensor start = c.defined() ? block(c, at, kTile) : target;
  at::addmm_out(target, start, left, right, c.defined() ? beta : 0, alpha);
  if (at.row != at.column) block(out, {at.column, at.row}, kTile).copy_(target.t());
}

void require_product(const at::Tensor& out, const at::Tensor& l, const at::Tensor& r) {
  const bool fits = out.dim() == 3 && l.dim() == 3 && r.dim() == 3 && l.size(0) == out.size(0) &&
                    r.size(0) == out.size(0) && l.size(1) == out.size(1) &&
                    r.size(2) == out.size(2) && l.size(2) == r.size(1);
  require(fits && out.scalar_type() == l.scalar_type() && out.scalar_type() == r.scalar_type() &&
              out.device() == l.device() && out.device() == r.device(),
          "expected matrices that multiply to {} {}, got {} {} and {} {}", shape_text(out.sizes()),
          toString(out.scalar_type()), shape_text(l.sizes()), toString(l.scalar_type()),
          shape_text(r.sizes()), toString(r.scalar_type()));
}

}  // namespace

void symmetric_product(const at::Tensor& out, double beta, const at::Tensor& c, double alpha,
                       const at::Tensor& l, const at::Tensor& r) {
  const at::NoGradGuard no_grad;
  require_product(out, l, r);
  require(out.size(1) == out.size(2), "expected a square result, got {}", shape_text(out.sizes()));
  if (cuda::serves(out)) return cuda::symmetric_product(out, beta, c, alpha, l, r.mT());
  const int64_t n = out.size(-1), tiles = (n + kTile - 1) / kTile;
  if (tiles == 1 || out.is_cuda()) {
    at::Tensor target = out;
    at::baddbmm_out(target, c.defined() ? c : out, l, r, c.defined() ? beta : 0, alpha);
    return;
  }
  const int64_t a_matrix = tiles * (tiles + 1) / 2;
  at::parallel_for(0, out.size(0) * a_matrix, 1, [&](int64_t begin, int64_t end) {
    const at::NoGradGuard here;  // each thread has its own mode
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t / a_matrix;
      tile_product(out[i], beta, c.defined() ? c[i] : c, alpha, l[i], r[i],
                   upper_tile(t % a_matrix));
    }
  });
}

void symmetric_times(const at::Tensor& out, double a, const at::Tensor& x, const at::Tensor& z) {
  const at::NoGradGuard no_grad;
  require_product(out, z, x);
  if (cuda::serves(out)) return cuda::symmetric_times(out, a, x, z);
  at::Tensor target = out;
  at::baddbmm_out(target, x, z, x, a, 1);
}

}  // namespace taut::kernels
