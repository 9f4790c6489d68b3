#include "certify/rounding.hpp"

#include <cmath>

namespace taut::certify {
namespace {

// What `operations` underflows per entry of a token can add to its norm.
Upper underflow(int64_t entries, int64_t operations, Precision p) {
  return Upper::square_root(static_cast<double>(entries)) * Upper(static_cast<double>(operations)) *
         Upper(p.smallest);
}

// ||fl(W x) - W x|| <= gamma_k ||W||_F ||x||, since |W| |x| <= ||W||_F ||x|| in norm; `more` counts
// the scalings that follow the product, their rounded scalars included.
// Partial sums never exceed ||W||_F ||x||, so they do not overflow below largest^2.
Upper product(const at::Tensor& weight, const Norms& norms, size_t block, Upper size, int64_t more,
              Precision p) {
  const int64_t k = weight.size(-1);
  if (!(norms.of(weight).frobenius[block] * size <= square(Upper(p.largest))))
    return Upper::infinity();
  return gamma(k + more, p.unit) * norms.of(weight).frobenius[block] * size +
         underflow(weight.size(-2), k + more, p);
}

// gelu: erf has an absolute error of at most 8 u at an argument with relative error 2 u, where |t
// erf'(t)| < 1/2; 1 + erf, the halving product and the gain add four more: below 16 u |x| per
// entry. gelu_tanh: two stored constants and five operations on terms of one sign leave the
// argument t of tanh a relative error of 7 u, where |t tanh'(t)| < 1/2; tanh (4 ulp, 8 u) makes it
// 12 u, 1 + tanh 14 u; halved, with the product and the gain, below 16 u |x| again. A cube that
// overflows gives tanh its limit. tanh: 8 u |tanh x| and the gain.
// silu is x / (1 + exp(-x)): exp errs by 4 u at most, the sum, the quotient and the gain by u each.
constexpr int64_t kCurveRoundings = 16;
// Where exp(-x) overflows the quotient is 0, and silu there up to 710 times the smallest normal
// number in fp64, 89 times in fp32.
constexpr int64_t kSiluTail = 1024;

// Squares that underflow matter only to radii near the root of the smallest normal number: none is
// promised there.
bool clamps_at(double radius, Precision p) {
  return radius >= 8 * std::sqrt(p.smallest / p.unit) && holds(radius, p);
}

}  // namespace

bool holds(double scalar, Precision p) {
  const double size = std::abs(scalar);
  return scalar == 0 || (size >= p.smallest && size <= p.largest);
}

// One addition per entry.
Upper rounding(const models::Position& l, const Norms& norms, Shape, Upper size, Precision p) {
  return gamma(1, p.unit) * (size + norms.longest_row(l.table)) + underflow(l.table.size(1), 1, p);
}

// k products and sums, the gain (itself rounded to the precision), the bias.
Upper rounding(const models::Linear& l, const Norms& norms, Shape shape, Upper size, Precision p) {
  if (!holds(l.gain, p)) return Upper::infinity();
  const Upper bias = norms.length(l.bias);
  const Upper before_bias =
      Upper(l.gain) * product(l.weight, norms, 0, size, 3, p) + underflow(l.weight.size(0), 2, p);
  return before_bias + gamma(1, p.unit) * (effect(l, norms, shape, size).size + before_bias + bias);
}

// relu_squared: one product and the gain, relative to an output that may be longer than the token.
Upper rounding(const models::Activation& l, const Norms&, Shape shape, Upper size, Precision p) {
  if (!holds(l.gain, p)) return Upper::infinity();
  if (l.curve == models::Curve::relu_squared) size = square(size);
  const int64_t lost = l.curve == models::Curve::silu ? kSiluTail : kCurveRoundings;
  return gamma(kCurveRoundings, p.unit) * Upper(l.gain) * size +
         underflow(shape.width, lost, p) * (Upper(1) + Upper(l.gain));
}

// rms errs by gamma_{d+4} relative (half of it for the root), the two divisions and the rounded
// radius by u each; max(1, .) is 1-Lipschitz, so the whole factor errs relatively by gamma_{d+8}.
Upper rounding(const models::BallClamp& l, const Norms& norms, Shape shape, Upper size,
               Precision p) {
  if (!clamps_at(l.radius, p)) return Upper::infinity();
  return gamma(shape.width + 8, p.unit) * effect(l, norms, shape, size).size +
         underflow(shape.width, 1, p);
}

// Centring: the mean errs by gamma_{d+1} mean|x|, so the token by gamma_{d+1} ||x||, and the
// difference is rounded once more; the normalisation stretches that by at most gain / least. Then
// root, quotient, gain and the mean of squares: relative gamma_{d+12} of a token no longer than
// gain sqrt(d).
Upper rounding(const models::Normalize& l, const Norms& norms, Shape shape, Upper size,
               double least, Precision p) {
  // Below, squares that underflow would count beside eps.
  if (!(l.eps >= 8 * p.smallest / p.unit && l.eps <= p.largest)) return Upper::infinity();
  const Upper gain = norms.of(l.weight).largest, bias = norms.length(l.bias);
  const Upper ball = gain * Upper::square_root(static_cast<double>(shape.width));
  const Upper centring =
      l.centered ? gamma(2 * shape.width + 6, p.unit) * size + underflow(shape.width, 2, p)
                 : Upper();
  const Upper relative = gamma(shape.width + 12, p.unit);
  return (gain / least) * centring + relative * (ball + (gain / least) * centring) +
         gamma(2, p.unit) * (ball + bias) +
         (gain / least + Upper(1)) * underflow(shape.width, 4, p);
}

Upper rounding(const models::Normalize& l, const Norms& norms, Shape shape, Upper size,
               Precision p) {
  return rounding(l, norms, shape, size, next_down(std::sqrt(l.eps)), p);
}

namespace {

// How far a computed query or key lies from the real one once it is prepared (effect.cpp), when it
// left the projection with `error`. Normalisation and clamp err relatively as the layers of the
// same name do; turning a pair (a, b) costs two roundings of |a c| + |b s| <= |(a, b)| |(c, s)| in
// each of two entries.
Upper prepared_error(const models::Attention& l, const Norms& norms, Upper norm, Upper error,
                     Precision p) {
  const int64_t d = l.query.size(1);
  const Upper ball = Upper::square_root(static_cast<double>(d));
  if (l.query_key_eps > 0) {
    if (!(l.query_key_eps >= 8 * p.smallest / p.unit && l.query_key_eps <= p.largest)) {
      return Upper::infinity();
    }
    const Upper slope = sqrt(Upper(1) / l.query_key_eps);
    error = slope * error + gamma(d + 12, p.unit) * min(ball, slope * (norm + error)) +
            (slope + Upper(1)) * underflow(d, 4, p);
    norm = min(ball, slope * norm);
  }
  if (l.query_key_clamp > 0) {
    if (!clamps_at(l.query_key_clamp, p)) return Upper::infinity();
    error = error + gamma(d + 8, p.unit) * (norm + error) + underflow(d, 1, p);
    norm = min(norm, Upper(l.query_key_clamp) * ball);
  }
  if (l.rotary.defined()) {
    const Upper turn = rotation(l, norms);
    error = turn * error + Upper(1.41421357) * gamma(2, p.unit) * turn * (norm + error) +
            underflow(d, 3, p);
  }
  return error;
}

// The sum over j of how far n computed softmax weights lie from the real ones, for logits of size
// `logit` at most that err by `error`, which moves each weight by a factor within e^{+-2 error}.
// The shift by the largest logit errs by u times the range; exp (4 ulp), the sum of n and the
// quotient make it (1 + gamma_{n+20}). Infinity where the exponent is not small.
Upper softmax_error(int64_t n, Upper logit, Upper error, Precision p) {
  const Upper exponent = Upper(2) * error + gamma(2, p.unit) * Upper(4) * logit;
  if (!(exponent <= Upper(1))) return Upper::infinity();
  // e^x - 1 <= 2 x on [0, 1].
  return Upper(2) * exponent + Upper(4) * gamma(n + 20, p.unit) +
         underflow(1, n, p) * Upper(static_cast<double>(n));
}

}  // namespace

// Per head, with hats for computed values: q and k err by their products (scale and bias included);
// a logit by <q^, k^> - <q, k>, its own gamma_{d_head} and one addition. Values err by their
// product, the mixture by gamma_n.
Upper rounding(const models::Attention& l, const Norms& norms, Shape shape, Upper size,
               Precision p) {
  const int64_t d_head = l.query.size(1), n = shape.tokens;
  const double divisor = static_cast<double>(d_head);
  if (!holds(l.gain, p) || !holds(l.logit_scale / divisor, p)) return Upper::infinity();
  const Upper scale = Upper(l.logit_scale) / divisor;
  const Upper biases = l.position_bias.defined() ? norms.of(l.position_bias).largest : Upper();
  const Upper one(1);
  Upper mixed_error, mixed_size;
  for (size_t h = 0; h < static_cast<size_t>(l.query.size(0)); ++h) {
    const HeadBounds b = head_bounds(l, norms, h, size);
    const Upper q_linear = product(l.query, norms, h, size, 2, p), q_norm = b.linear_query;
    const Upper k_linear = product(l.key, norms, h, size, 2, p), k_norm = b.linear_key;
    const Upper q_error =
        prepared_error(l, norms, q_norm, q_linear + gamma(4, p.unit) * q_norm, p) +
        gamma(4, p.unit) * b.query;
    const Upper k_error = prepared_error(l, norms, k_norm, k_linear + gamma(1, p.unit) * k_norm, p);
    const Upper v_error = product(l.value, norms, h, size, 2, p) + gamma(1, p.unit) * b.mixed;
    const Upper q = b.query + q_error, k = b.key + k_error, v = b.mixed + v_error;
    // What overflows here need not come out large: a short output matrix would hide it. The sum
    // bounds every computed vector, prepared or not.
    if (!(q_norm + q + k_norm + k + q_linear + k_linear + v <= Upper(p.largest))) {
      return Upper::infinity();
    }
    const Upper logit = scale * q * k + biases;
    const Upper logit_error = scale * (q_error * k + q * k_error) +
                              gamma(d_head + 6, p.unit) * logit +
                              underflow(d_head, d_head + 4, p) * (one + scale) * (one + q + k);
    const Upper weights = softmax_error(n, logit, logit_error, p);
    if (!weights.finite()) return Upper::infinity();
    const Upper error = weights * v + (one + weights) * v_error +
                        gamma(n + 2, p.unit) * (one + weights) * v + underflow(d_head, n + 2, p);
    mixed_error = mixed_error + square(error);
    mixed_size = mixed_size + square(b.mixed + error);
  }
  const Upper out = Upper(l.gain) * (norms.sigma(l.output) * sqrt(mixed_error) +
                                     product(l.output, norms, 0, sqrt(mixed_size), 3, p)) +
                    underflow(l.output.size(0), 2, p);
  return out + gamma(1, p.unit) * (effect(l, norms, shape, size).size + out);
}

Upper rounding(const models::Pool&, const Norms&, Shape shape, Upper size, Precision p) {
  return gamma(shape.tokens + 2, p.unit) * size + underflow(shape.width, shape.tokens + 2, p);
}

// Numbers are only copied.
Upper rounding(const models::Prepend&, const Norms&, Shape, Upper, Precision) { return Upper(); }
Upper rounding(const models::Select&, const Norms&, Shape, Upper, Precision) { return Upper(); }

// The logits are as stored. One product and one sum for each of n tokens in the mixture.
Upper rounding(const models::TokenShift& l, const Norms& norms, Shape shape, Upper size,
               Precision p) {
  const int64_t n = l.logits.size(0);
  const Upper logit = norms.of(l.logits).largest;
  const Upper weights = softmax_error(n, logit, /*error=*/Upper(), p);
  return weights * size + gamma(n + 2, p.unit) * (Upper(1) + weights) * size +
         underflow(shape.width, n + 2, p);
}

}  // namespace taut::certify
