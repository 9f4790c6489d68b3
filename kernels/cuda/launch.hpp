#pragma once

#include <cstddef>
#include <cstdint>

// Launchers that know neither LibTorch nor the CUDA headers: pointers, sizes and a stream. All
// pointers are the device's, except where said otherwise; arrays are contiguous, row by row, and
// need no more alignment than their type. A launcher returns nullptr, or what is wrong with the
// launch in CUDA's words. It waits for nothing, allocates nothing and can be captured in a graph;
// results do not depend on the run (no atomics). kernels/cuda/reference holds each one in double.
struct CUstream_st;

namespace taut::kernels::cuda {

using Stream = CUstream_st*;  // cudaStream_t

struct Bfloat16 {
  std::uint16_t bits;
};

// y[i] = a x[i] + b z[i] for i in [0, size). y may be x or z, but not overlap them otherwise.
const char* polynomial_update(double a, const float* x, double b, const float* z, float* y,
                              int64_t size, Stream stream);
const char* polynomial_update(double a, const double* x, double b, const double* z, double* y,
                              int64_t size, Stream stream);

// Symmetric products C = alpha_i alpha X Y^T + beta D, (batch, n, n) from X and Y (batch, n, k).
// X Y^T must be symmetric in exact arithmetic: Y = X (a Gram matrix; the square of a symmetric
// matrix), or symmetric matrices that commute. Only the upper triangle is computed; the lower one
// is its mirror image, so C is symmetric bit for bit. D must be symmetric; null or beta = 0: no
// addend; C may be D but nothing else. each: alpha_i, one a matrix; null: 1. With X = Y = D = R,
// alpha = c, beta = b this is b R + c R^2, one pass.
struct SymmetricProduct {
  int64_t batch = 0, n = 0, k = 0;
  double alpha = 1, beta = 0;
  const double* each = nullptr;
  const float* addend = nullptr;
  float* out = nullptr;
};

// Single precision throughout: conventional inner products, |error| <= gamma_k |X| |Y|^T. Bounds on
// norms (orthogonalize, caps) are proved for this one.
const char* symmetric_product(const float* x, const float* y, const SymmetricProduct& product,
                              Stream stream);

// On tensor cores, sums in single precision. No theorem of this project covers them: tf32 rounds
// its inputs to 11 bits, bf16 has 8, and the sums are truncated. For updates whose size is measured
// or certified afterwards, never for the number that certifies.
const char* symmetric_product_tf32(const float* x, const float* y, const SymmetricProduct& product,
                                   Stream stream);
const char* symmetric_product_bf16(const Bfloat16* x, const Bfloat16* y,
                                   const SymmetricProduct& product, Stream stream);

// Y = a X + Z X for X (batch, n, m) and symmetric Z (batch, n, n), in single precision: the tail of
// a Newton-Schulz step. Reads Z as its transpose. Y may not overlap the others.
const char* symmetric_times(double a, const float* x, const float* z, float* y, int64_t batch,
                            int64_t n, int64_t m, Stream stream);

// norms[i], not below the Euclidean norm of row i of X (rows, width): summed in double, rounded up.
const char* row_norms(const float* x, double* norms, int64_t rows, int64_t width, Stream stream);

// Row by row y = x / max(1, RMS(x) / cap), with RMS(y) <= cap also after rounding; rows that hold
// the cap stay bit for bit. A row with NaN or infinity becomes NaN throughout. cap > 0. y may be x.
const char* row_rms_cap(const float* x, double cap, float* y, int64_t rows, int64_t width,
                        Stream stream);

// The ball clamp of a token, y = x / max(1, RMS(x) / radius), and its vector-Jacobian product: from
// x and the gradient at y to the gradient at x. On the sphere the gradient is the outer one's.
const char* ball_clamp(const float* x, double radius, float* y, int64_t tokens, int64_t width,
                       Stream stream);
const char* ball_clamp_backward(const float* x, const float* grad_y, double radius, float* grad_x,
                                int64_t tokens, int64_t width, Stream stream);

// One step of power iteration on W (batch, m, n): u = W v / ||W v||, v <- W^T u / ||W^T u||, sigma
// = ||W^T u|| = u^T W v, a lower bound of the norm up to rounding. v (batch, n), u (batch, m),
// sigma (batch); zero where W v is zero. work: batch * max(m, n) doubles.
const char* power_step(const float* w, float* v, float* u, double* sigma, double* work,
                       int64_t batch, int64_t m, int64_t n, Stream stream);

// y = w + (offset + slope sigma) u v^T where sigma > 0, else w: offset = limit, slope = -1 sets the
// largest singular value (hammer), offset = 0, slope = -decay shrinks it. y may be w.
const char* rank_one_update(const float* w, const float* u, const float* v, const double* sigma,
                            double offset, double slope, float* y, int64_t batch, int64_t m,
                            int64_t n, Stream stream);

// w / max(1, sigma / limit): spectral normalisation by an estimate, hence itself no proof.
const char* spectral_divide(const float* w, const double* sigma, double limit, float* y,
                            int64_t batch, int64_t m, int64_t n, Stream stream);

// alpha[i] of the soft cap that maps k = w_max (1 - lr wd) + lr update to at most w_max (equation
// and limit in kernels/soft_cap.cpp); rounded so that the cap holds for the stored alpha. NaN where
// none holds it, lr (update / w_max - wd) > 19/62, or the numbers make no sense.
const char* soft_cap_coupling(const double* w_max, const double* lr, const double* wd,
                              const double* update, double* alpha, int64_t count, Stream stream);

// One step of projected gradient ascent, fused: steepest direction, step, projection on ball, box
// and movable entries. `moved` = clean + delta as floats lies in the box, and moved - clean in the
// ball, in exact arithmetic. A group is what one norm measures: a row (groups = 1), or a token of
// it. Entries that are NaN count as 0 in the gradient.
struct BallStep {
  int64_t rows = 0, groups = 0, width = 0;  // arrays (rows, groups, width)
  const float *clean = nullptr, *delta = nullptr, *gradient = nullptr;
  const unsigned char* movable = nullptr;  // one flag for every `span` entries; null: all may move
  int64_t span = 1;
  const double* eps = nullptr;                   // (rows)
  double stride = 0;                             // length of a step, as a share of eps
  float low = 0, high = 0;                       // the box; infinite for none
  float *delta_out = nullptr, *moved = nullptr;  // delta_out may be delta
};
const char* ball_step_linf(const BallStep& step, Stream stream);
const char* ball_step_l2(const BallStep& step, Stream stream);

}  // namespace taut::kernels::cuda
