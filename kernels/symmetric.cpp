#include "kernels/symmetric.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "kernels/cuda/adapter.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

// Smaller tiles save more of the square and lose more to packing and calls. Below the diagonal
// nothing is saved, so only the tiles on it are divided once more: at 768 that leaves 8.67 of 16.
constexpr int64_t kTile = 192, kDiagonalTile = 64;

// Of beta C + alpha L R; c may be undefined.
struct Operands {
  double beta;
  at::Tensor c;
  double alpha;
  at::Tensor l, r;  // (n, k) and (k, n)
};

struct Tile {
  int64_t row, column;
};

int64_t tiles_of(int64_t n, int64_t side) { return (n + side - 1) / side; }
int64_t triangle_of(int64_t tiles) { return tiles * (tiles + 1) / 2; }

// Tile number t of the upper triangle, column by column.
Tile upper_tile(int64_t t) {
  int64_t column = 0;
  while (t > column) t -= ++column;
  return {t, column};
}

at::Tensor part(const at::Tensor& x, int64_t dim, int64_t index, int64_t side) {
  return x.narrow(dim, index * side, std::min(side, x.size(dim) - index * side));
}

at::Tensor block(const at::Tensor& x, const Tile& at, int64_t side) {
  return part(part(x, 0, at.row, side), 1, at.column, side);
}

void tile_product(const at::Tensor& out, const Operands& o, const Tile& at, int64_t side) {
  at::Tensor target = block(out, at, side);
  const at::Tensor left = part(o.l, 0, at.row, side), right = part(o.r, 1, at.column, side);
  const at::Tensor start = o.c.defined() ? block(o.c, at, side) : target;
  if (at.row == at.column && side > kDiagonalTile) {
    const Operands inner{o.beta, o.c.defined() ? start : o.c, o.alpha, left, right};
    const int64_t count = triangle_of(tiles_of(target.size(0), kDiagonalTile));
    for (int64_t t = 0; t < count; ++t) tile_product(target, inner, upper_tile(t), kDiagonalTile);
    return;
  }
  at::addmm_out(target, start, left, right, o.c.defined() ? o.beta : 0, o.alpha);
  if (at.row != at.column) block(out, {at.column, at.row}, side).copy_(target.t());
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

void whole_product(at::Tensor out, double beta, const at::Tensor& c, double alpha,
                   const at::Tensor& l, const at::Tensor& r, const at::Tensor& each) {
  if (!each.defined()) {
    at::baddbmm_out(out, c.defined() ? c : out, l, r, c.defined() ? beta : 0, alpha);
    return;
  }
  require(!c.defined(), "expected no addend beside factors for each matrix");
  at::bmm_out(out, l, r).mul_((each * alpha).to(out.scalar_type()).reshape({-1, 1, 1}));
}

}  // namespace

void symmetric_product(const at::Tensor& out, double beta, const at::Tensor& c, double alpha,
                       const at::Tensor& l, const at::Tensor& r, const at::Tensor& each) {
  const at::NoGradGuard no_grad;
  require_product(out, l, r);
  require(!each.defined() || (each.is_contiguous() && each.numel() == out.size(0) &&
                              each.scalar_type() == at::kDouble && each.device() == out.device()),
          "expected a factor for each of {} in double", shape_text(out.sizes()));
  require(out.size(1) == out.size(2), "expected a square result, got {}", shape_text(out.sizes()));
  if (cuda::serves(out)) return cuda::symmetric_product(out, beta, c, alpha, l, r.mT(), each);
  const int64_t n = out.size(-1);
  if (n <= kDiagonalTile || out.is_cuda()) {
    whole_product(out, beta, c, alpha, l, r, each);
    return;
  }
  const double* factors = each.defined() ? each.const_data_ptr<double>() : nullptr;
  const int64_t a_matrix = triangle_of(tiles_of(n, kTile));
  at::parallel_for(0, out.size(0) * a_matrix, 1, [&](int64_t begin, int64_t end) {
    const at::NoGradGuard here;  // each thread has its own mode
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t / a_matrix;
      const double factor = factors != nullptr ? factors[i] : 1;
      tile_product(out[i], {beta, c.defined() ? c[i] : c, alpha * factor, l[i], r[i]},
                   upper_tile(t % a_matrix), kTile);
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
