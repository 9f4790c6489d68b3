#include "kernels/orthogonalize.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <utility>

#include "kernels/polar_sets.hpp"
#include "kernels/stored.hpp"
#include "kernels/symmetric.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

using Steps = std::vector<Quintic>;

constexpr size_t kWideGram = kCallerSlots + 8;  // read at once: one for all calls

// (batch, 1, 1) in double, at least sigma of every matrix: the Schatten-4 norm ||G||_F^(1/2) of the
// computed G = fl(X X^T). ||G - X X^T|| <= gamma_n ||X||_F^2 and ||X||_F^2 <= tr G / (1 - gamma_n)
// for inner products of length n in the dtype's arithmetic; 8 units cover the conversion back and
// the division, 1e-9 the sums in double. A set may blow up above 1, hence never below sigma.
at::Tensor norm_up(const at::Tensor& gram, int64_t length, double unit, Workspace& workspace) {
  const double nu = static_cast<double>(length) * unit;
  require(nu < 0.25, "expected an inner dimension under {} for this dtype, got {}", 0.25 / unit,
          length);
  const double gamma = nu / (1 - nu);
  const at::Tensor trace = gram.diagonal(0, -2, -1).sum(-1, false, at::kDouble);
  // LibTorch would make the copy in double itself, afresh in every call.
  const at::Tensor wide =
      workspace.take(kWideGram, gram.sizes(), gram.options().dtype(at::kDouble)).copy_(gram);
  const at::Tensor square =
      at::linalg_vector_norm(wide, 2, at::IntArrayRef{-2, -1}) + trace * (gamma / (1 - gamma));
  return square.sqrt().mul(1 + 1e-9 + 8 * unit).reshape({-1, 1, 1});
}

// Where the iterations work. X and its double for what is multiplied; four squares.
struct Field {
  at::Tensor x, spare;
  at::Tensor a, b, c, d;  // (batch, m, m)
};

enum Slot : size_t { kX, kSpare, kA, kB, kC, kD, kWide, kStored };

// Wide matrices with entries of at most 1 in magnitude and their Gram matrix, both over a bound on
// sigma. `first` is the first slot.
Field normalized(const at::Tensor& wide, const at::Tensor& largest, Workspace& workspace,
                 size_t first, bool gram) {
  const int64_t m = wide.size(1), n = wide.size(2);
  const at::IntArrayRef shape = wide.sizes();
  const auto square = [&](Slot slot) {
    return workspace.take(first + slot, {wide.size(0), m, m}, wide.options());
  };
  Field f{workspace.take(first + kX, shape, wide.options()),
          workspace.take(first + kSpare, shape, wide.options()),
          square(kA),
          square(kB),
          {},
          {}};
  if (gram) f.c = square(kC), f.d = square(kD);
  const at::Tensor zero = largest == 0;
  at::div_out(f.x, wide, largest.masked_fill(zero, 1));
  symmetric_product(f.a, 0, {}, 1, f.x, f.x.mT());
  const at::Tensor norm =
      norm_up(f.a, n, unit_roundoff(wide.scalar_type()), workspace).masked_fill_(zero, 1);
  f.x.div_(norm.to(wide.scalar_type()));
  f.a.div_(norm.square().to(wide.scalar_type()));  // the first Gram product serves the first step
  return f;
}

void plain_steps(Field& f, const Steps& steps) {
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i > 0) symmetric_product(f.a, 0, {}, 1, f.x, f.x.mT());
    symmetric_product(f.b, steps[i].b, f.a, steps[i].c, f.a, f.a);
    symmetric_times(f.spare, steps[i].a, f.x, f.b);
    std::swap(f.x, f.spare);
  }
}

// With R = X X^T and Z = b R + c R^2 a step is X <- (a I + Z) X, hence R <- (a I + Z) R (a I + Z):
// steps run on R, and their product Q is applied to X at the end. Everything commutes. `restart`,
// a number of steps, takes R from X again; as many as there are: never.
void gram_steps(Field& f, const Steps& steps, size_t restart) {
  at::Tensor &r = f.a, &z = f.b, &q = f.c, &spare = f.d;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Quintic& s = steps[i];
    symmetric_product(z, s.b, r, s.c, r, r);
    if (i == 0 || i == restart) {
      q.copy_(z).diagonal(0, -2, -1).add_(s.a);
    } else {
      symmetric_product(spare, s.a, q, 1, q, z);
      std::swap(q, spare);
    }
    const bool last = i + 1 == steps.size();
    if (last || i + 1 == restart) {
      at::bmm_out(f.spare, q, f.x);
      std::swap(f.x, f.spare);
      if (!last) symmetric_product(r, 0, {}, 1, f.x, f.x.mT());
    } else {
      symmetric_product(spare, s.a, r, 1, r, z);  // R (a I + Z)
      symmetric_product(r, s.a, spare, 1, z, spare);
    }
  }
}

// X itself is symmetric: so is every product of a step.
void symmetric_steps(Field& f, const Steps& steps) {
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i > 0) symmetric_product(f.a, 0, {}, 1, f.x, f.x);
    symmetric_product(f.b, steps[i].b, f.a, steps[i].c, f.a, f.a);
    symmetric_product(f.spare, steps[i].a, f.x, 1, f.b, f.x);
    std::swap(f.x, f.spare);
  }
}

// Multiplications in units of m^3 for n = ratio m, a symmetric product at `half`: plain takes
// X X^T, A^2 and B X a step; gram X X^T and Q X twice, four products on the short side a step and
// three fewer at the end of each of its two runs; without the restart it is one run.
bool gram_is_faster(int64_t m, int64_t n, size_t steps, bool twice) {
  const double half = m > 256 ? 0.6 : m > 128 ? 0.75 : 1;  // symmetric.cpp
  const double ratio = static_cast<double>(n) / static_cast<double>(m);
  const auto t = static_cast<double>(steps);
  const double plain = t * (half * ratio + half + ratio);
  const double runs = twice ? 2 : 1;
  const double gram = runs * (half * ratio + ratio) + (4 * t - 3 * runs) * half;
  return gram < plain;
}

// Whether steps on A = X X^T alone need another look at X. Rounding puts A off by about a unit, and
// below zero where X has no rank; the steps multiply what is there by a_1^2 a_2^2 ... With few rows
// rounding errors do not average.
bool restarts(const Steps& steps, int64_t m) {
  constexpr int64_t kFewRows = 64;
  constexpr double kBearable = 0x1p15;  // makes 0.002 of a unit of float
  double growth = 1;
  for (const Quintic& s : steps) growth *= s.a * s.a;
  return m < kFewRows || growth > kBearable;
}

}  // namespace

at::Tensor orthogonalize(const at::Tensor& matrices, Polar polar, PolarForm form,
                         Workspace* workspace) {
  const at::NoGradGuard no_grad;
  Workspace own;
  Workspace& w = workspace != nullptr ? *workspace : own;
  const at::Tensor batch = working_batch(matrices, w, kPolarSlots + kWide);
  const Steps steps = polar_steps(polar);
  if (batch.numel() == 0) return matrices.clone();
  // Squares of tiny or huge gradients leave the range of float, so the largest entry is divided
  // out.
  const at::Tensor largest = largest_entry(batch, "orthogonalize");
  const bool tall = batch.size(-2) > batch.size(-1);
  const at::Tensor wide = tall ? batch.mT() : batch;
  const int64_t m = wide.size(1), n = wide.size(2);
  const bool twice = restarts(steps, m);
  if (form == PolarForm::automatic) {
    const bool gram = gram_is_faster(m, n, steps.size(), twice);
    form = gram ? PolarForm::gram : PolarForm::plain;
  }
  Field f = normalized(wide, largest, w, kPolarSlots, form == PolarForm::gram);
  if (form == PolarForm::gram) {
    gram_steps(f, steps, twice ? (steps.size() + 1) / 2 : steps.size());
  } else {
    plain_steps(f, steps);
  }
  return as_stored(tall ? f.x.mT() : f.x, matrices, w, kPolarSlots + kStored);
}

at::Tensor sign_symmetric(const at::Tensor& matrices, Polar polar, Workspace* workspace) {
  const at::NoGradGuard no_grad;
  Workspace own;
  Workspace& w = workspace != nullptr ? *workspace : own;
  const at::Tensor batch = working_batch(matrices, w, kSignSlots + kWide);
  require(batch.size(1) == batch.size(2), "expected square matrices, got {}",
          shape_text(matrices.sizes()));
  const Steps steps = polar_steps(polar);
  if (batch.numel() == 0) return matrices.clone();
  const at::Tensor largest = largest_entry(batch, "take the sign of");
  Field f = normalized(batch, largest, w, kSignSlots, false);
  symmetric_steps(f, steps);
  return as_stored(f.x, matrices, w, kSignSlots + kStored);
}

}  // namespace taut::kernels
