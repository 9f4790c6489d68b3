#include "certify/effect.hpp"

#include "models/curves.hpp"

namespace taut::certify {
namespace {

Effect uniform(Upper size, Upper factor) { return {size, factor, factor, factor}; }

}  // namespace

Upper steepest(models::Curve curve) { return Upper(models::steepest_slope(curve)); }

// A constant shift moves no difference; the longest row enters every norm.
Effect effect(const models::Position& l, const Norms& norms, Shape, Upper size) {
  return uniform(size + norms.longest_row(l.table), Upper(1));
}

// ||g W x + b|| <= |g| sigma ||x|| + ||b||
Effect effect(const models::Linear& l, const Norms& norms, Shape, Upper size) {
  const Upper factor = Upper(l.gain) * norms.sigma(l.weight);
  return uniform(factor * size + norms.length(l.bias), factor);
}

// |phi(x)| <= |x| for the curves with a slope (phi(0) = 0), so norms need no slope; |tanh| <= 1
// besides. max_min sorts pairs: of two pairs the sorted ones are no farther apart (rearrangement
// inequality), and as long as before. relu_squared: no entry exceeds the token's norm, so on the
// ball its slope is at most 2 size and |phi(x)| <= size |x|.
Effect effect(const models::Activation& l, const Norms&, Shape shape, Upper size) {
  if (l.curve == models::Curve::relu_squared) {
    return uniform(Upper(l.gain) * square(size), Upper(l.gain) * Upper(2) * size);
  }
  const bool bounded = l.curve == models::Curve::tanh;
  const Upper cube = Upper::square_root(static_cast<double>(shape.width));
  return uniform(Upper(l.gain) * (bounded ? min(size, cube) : size),
                 Upper(l.gain) * steepest(l.curve));
}

// The projection onto a convex set is 1-Lipschitz and shortens.
Effect effect(const models::BallClamp& l, const Norms&, Shape shape, Upper size) {
  const Upper radius = Upper(l.radius) * Upper::square_root(static_cast<double>(shape.width));
  return uniform(min(size, radius), Upper(1));
}

// y = w * c / sqrt(|c|^2 / d + eps) + b, c the token, centred or not (centring is a projection).
// The derivative of c -> c / sqrt(|c|^2 / d + eps) has norm 1 / sqrt(|c|^2 / d + eps) <= 1 /
// sqrt(eps).
Effect effect(const models::Normalize& l, const Norms& norms, Shape shape, Upper size) {
  const Upper gain = norms.of(l.weight).largest;
  const Upper slope = gain * sqrt(Upper(1) / l.eps);
  const Upper ball = gain * Upper::square_root(static_cast<double>(shape.width));
  return uniform(min(ball, slope * size) + norms.length(l.bias), slope);
}

Upper rotation(const models::Attention& l, const Norms& norms) {
  return l.rotary.defined() ? norms.longest_row(l.rotary) : Upper(1);
}

namespace {

// Queries or keys of one head: the longest one, and how far one moves per unit of its token.
struct Vectors {
  Upper norm, slope;
};

// x / sqrt(|x|^2 / d + eps) has slope 1 / sqrt(eps) at most and norm below sqrt(d); the ball clamp
// is a projection; a pair turned by (c, s) is longer by sqrt(c^2 + s^2), a row of the stored table.
Vectors prepared(const models::Attention& l, const Norms& norms, Vectors v) {
  const Upper ball = Upper::square_root(static_cast<double>(l.query.size(1)));
  if (l.query_key_eps > 0) {
    const Upper slope = sqrt(Upper(1) / l.query_key_eps);
    v = {min(ball, v.norm * slope), v.slope * slope};
  }
  if (l.query_key_clamp > 0) v.norm = min(v.norm, Upper(l.query_key_clamp) * ball);
  const Upper turn = rotation(l, norms);
  return {turn * v.norm, turn * v.slope};
}

}  // namespace

HeadBounds head_bounds(const models::Attention& l, const Norms& norms, size_t head, Upper size) {
  const Upper scale = Upper(l.logit_scale) / static_cast<double>(l.query.size(1));
  const Upper query = norms.of(l.query).sigma_of(head), key = norms.of(l.key).sigma_of(head);
  HeadBounds b;
  b.linear_query = query * size + norms.length(l.query_bias, head);
  b.linear_key = key * size + norms.length(l.key_bias, head);
  const Vectors q = prepared(l, norms, {b.linear_query, query});
  const Vectors k = prepared(l, norms, {b.linear_key, key});
  // A key bias that reaches the logits as it is adds the same <q_i, b_K> to all of a row and
  // cancels in the softmax; turned by position or normalised it does not.
  const bool plain = !l.rotary.defined() && l.query_key_eps == 0 && l.query_key_clamp == 0;
  const Upper compared = plain ? key * size : k.norm;
  b.from_query = scale * q.slope * size * compared;
  b.from_key = scale * q.norm * k.slope * size;
  b.logit = scale * q.norm * compared;
  b.query = q.norm;
  b.key = k.norm;
  b.value = norms.of(l.value).sigma_of(head);
  b.mixed = b.value * size + norms.length(l.value_bias, head);
  return b;
}

// One head. At every point of the segment between the two inputs (a product of balls is convex)
//   do_i = sum_j p_ij dv_j + Cov_p(ds_i, v),  ds_ij = (<dq_i, k_j> + <q_i, dk_j>) / tau,
// and with F = from_query, G = from_key (so |ds_ij| <= (F |dx_i| + G |dx_j|) / N):
//   max        |Cov_p(ds, v)| <= max_j |ds_ij| max_j |v_j|:            s_V (1 + F + G)
//   frobenius  Cauchy-Schwarz under p, then sum_i p_ij <= C per key:  s_V (F + sqrt(C) (1 + G))
//   sum        |v_j - o_i| <= 2 s_V N:                                s_V (F + C (1 + 2 G))
// C bounds how much attention one key can collect: logits lie in [-Z, Z], so without mask and bias
// p_ij <= e^{2Z} / (e^{2Z} + n - 1); otherwise C = n. Value biases are constant and drop out. The
// norms are those of the head's own blocks; fused norms would not be a bound. Heads stack, so their
// factors combine as a root of squares (Minkowski for the sum), then the output matrix acts.
Effect effect(const models::Attention& l, const Norms& norms, Shape shape, Upper size) {
  const auto n = static_cast<double>(shape.tokens);
  const bool free = !l.causal && !l.position_bias.defined();
  Effect e;
  for (size_t h = 0; h < static_cast<size_t>(l.query.size(0)); ++h) {
    const HeadBounds b = head_bounds(l, norms, h, size);
    // n / (1 + (n - 1) e^{-2Z}), an increasing function of Z.
    Upper collected(n);
    if (free && b.logit.finite() && b.logit <= Upper(300)) {
      const double spread = quotient_below(1, exp(Upper(2) * b.logit));
      collected = min(collected, Upper(n) / next_down(1 + next_down((n - 1) * spread)));
    }
    const Upper one(1);
    e.size = e.size + square(b.mixed);
    e.max = e.max + square(b.value * (one + b.from_query + b.from_key));
    e.frobenius =
        e.frobenius + square(b.value * (b.from_query + sqrt(collected) * (one + b.from_key)));
    e.sum = e.sum + square(b.value * (b.from_query + collected * (one + Upper(2) * b.from_key)));
  }
  const Upper out = Upper(l.gain) * norms.sigma(l.output);
  return {out * sqrt(e.size) + norms.length(l.output_bias), out * sqrt(e.max),
          out * sqrt(e.frobenius), out * sqrt(e.sum)};
}

// |mean dx| <= max |dx|, <= |dx|_F / sqrt(n), <= sum |dx| / n; one token is left, so the three
// agree in state.cpp, which takes the least.
Effect effect(const models::Pool&, const Norms&, Shape shape, Upper size) {
  const auto n = static_cast<double>(shape.tokens);
  return {size, Upper(1), Upper::square_root(n) / n, Upper(1) / n};
}

// The new tokens are the same for every input, so no difference changes; the others only move on.
Effect effect(const models::Prepend& l, const Norms& norms, Shape, Upper size) {
  return uniform(max(size, norms.longest_row(l.tokens)), Upper(1));
}

// One token moves by no more than all together, in each of the three norms.
Effect effect(const models::Select&, const Norms&, Shape, Upper size) {
  return uniform(size, Upper(1));
}

// Weights p_k >= 0 that sum to 1: no |sum_k p_k x_{i-k}| exceeds the largest |x_j|, of tokens as of
// differences. Over i the mixture is p convolved with dx, cut off after n tokens, so by Young's
// inequality (|p|_1 = 1) the l2 and l1 norms of |dx_i| do not grow either.
Effect effect(const models::TokenShift&, const Norms&, Shape, Upper size) {
  return uniform(size, Upper(1));
}

}  // namespace taut::certify
