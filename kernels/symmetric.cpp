#include "kernels/symmetric.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <vector>

#include "kernels/cuda/adapter.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

// Blocks above the diagonal are halves of halves: large ones keep the speed of a large product, and
// what is computed twice are the leaves on the diagonal, n kLeaf of n^2 entries.
constexpr int64_t kLeaf = 128, kRound = 16;
constexpr int64_t kBlocksPerThread = 4;  // at least, so that threads end at about the same time

// The whole product where it is as fast: in one block, or in three between several threads, where
// they are soon done.
bool whole_is_faster(int64_t n, int64_t k) {
  return n <= kLeaf || (at::get_num_threads() > 1 && n <= 2 * kLeaf && k <= 4 * kLeaf);
}

// Of beta C + alpha L R; c may be undefined.
struct Operands {
  double beta;
  at::Tensor c;
  double alpha;
  at::Tensor l, r;  // (n, k) and (k, n)
};

struct Block {
  int64_t row, column, rows, columns;
  int64_t area() const { return rows * columns; }
};

// The upper triangle of the square that begins at (first, first), in blocks of `side` at most.
void add_blocks(int64_t first, int64_t size, int64_t side, std::vector<Block>& blocks) {
  if (size <= kLeaf) {
    blocks.push_back({first, first, size, size});
    return;
  }
  const int64_t half = (size / 2 + kRound - 1) / kRound * kRound, rest = size - half;
  for (int64_t row = 0; row < half; row += side) {
    for (int64_t column = 0; column < rest; column += side) {
      blocks.push_back({first + row, first + half + column, std::min(side, half - row),
                        std::min(side, rest - column)});
    }
  }
  add_blocks(first, half, side, blocks);
  add_blocks(first + half, rest, side, blocks);
}

// The same for a matrix alone and beside others, whose rounding must not depend on them.
std::vector<Block> blocks_of(int64_t n) {
  std::vector<Block> blocks;
  for (int64_t side = n; blocks.empty(); side /= 2) {
    add_blocks(0, n, side, blocks);
    const bool few = static_cast<int64_t>(blocks.size()) < kBlocksPerThread * at::get_num_threads();
    if (few && side > kLeaf) blocks.clear();
  }
  return blocks;
}

at::Tensor block_of(const at::Tensor& x, const Block& b) {
  return x.narrow(0, b.row, b.rows).narrow(1, b.column, b.columns);
}

void block_product(const at::Tensor& out, const Operands& o, const Block& b) {
  at::Tensor target = block_of(out, b);
  at::addmm_out(target, o.c.defined() ? block_of(o.c, b) : target, o.l.narrow(0, b.row, b.rows),
                o.r.narrow(1, b.column, b.columns), o.c.defined() ? o.beta : 0, o.alpha);
  if (b.row != b.column) {
    block_of(out, {b.column, b.row, b.columns, b.rows}).copy_(target.t());
  }
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
  if (whole_is_faster(n, l.size(2)) || out.is_cuda()) {
    whole_product(out, beta, c, alpha, l, r, each);
    return;
  }
  const double* factors = each.defined() ? each.const_data_ptr<double>() : nullptr;
  const std::vector<Block> blocks = blocks_of(n);
  int64_t area = 0;  // of one matrix
  for (const Block& b : blocks) area += b.area();
  // A thread takes the blocks whose first entry is in its share of all entries.
  at::parallel_for(0, out.size(0) * area, 1, [&](int64_t begin, int64_t end) {
    const at::NoGradGuard here;  // each thread has its own mode
    for (int64_t i = begin / area, at = i * area; at < end; ++i) {
      const Operands o{beta, c.defined() ? c[i] : c, alpha * (factors != nullptr ? factors[i] : 1),
                       l[i], r[i]};
      for (const Block& b : blocks) {
        if (begin <= at && at < end) block_product(out[i], o, b);
        at += b.area();
      }
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
