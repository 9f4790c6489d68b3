#pragma once

#include "certify/bound.hpp"
#include "certify/norms.hpp"
#include "models/network.hpp"

namespace taut::certify {

// What a layer does to token norms and to differences of two sequences whose tokens all have norm
// at most the given size. max: to the largest token difference; frobenius: to the root of the sum
// of squares; sum: to the sum of token differences. (mathematics: three constants, not one)
struct Effect {
  Upper size;  // of every output token
  Upper max, frobenius, sum;
};

// How many tokens there are and how wide they are, at the layer's input.
struct Shape {
  int64_t tokens = 1, width = 1;
};

// The rules, one per layer kind that maps tokens to tokens; the theorem stands above each. `size`
// bounds the norm of every input token, clean and perturbed. Residuals compose in state.cpp.
Effect effect(const models::Position& l, const Norms& norms, Shape shape, Upper size);
Effect effect(const models::Linear& l, const Norms& norms, Shape shape, Upper size);
Effect effect(const models::Activation& l, const Norms& norms, Shape shape, Upper size);
Effect effect(const models::BallClamp& l, const Norms& norms, Shape shape, Upper size);
Effect effect(const models::Normalize& l, const Norms& norms, Shape shape, Upper size);
Effect effect(const models::Attention& l, const Norms& norms, Shape shape, Upper size);
Effect effect(const models::Pool& l, const Norms& norms, Shape shape, Upper size);
Effect effect(const models::Prepend& l, const Norms& norms, Shape shape, Upper size);
Effect effect(const models::Select& l, const Norms& norms, Shape shape, Upper size);
Effect effect(const models::TokenShift& l, const Norms& norms, Shape shape, Upper size);

// sup |phi'|, rounded up; infinity for relu_squared, whose slope is bounded on balls alone.
Upper steepest(models::Curve curve);

// The logits of one head and its values, for tokens of norm at most `size`.
struct HeadBounds {
  Upper value;  // sigma of the head's value block
  // |change of logit ij| <= (from_query ||dx_i|| + from_key ||dx_j||) / size.
  Upper from_query, from_key;
  Upper logit;  // the largest that survives the softmax's shift invariance, position bias aside
  Upper linear_query, linear_key;  // norm of any q_i and k_j behind the projection, bias included
  Upper query, key;                // and as they are compared
  Upper mixed;                     // norm of any v_j, bias included
};

HeadBounds head_bounds(const models::Attention& l, const Norms& norms, size_t head, Upper size);

// How much longer the stored table of angles can make a query or key: 1 but for rounding, where it
// holds angles.
Upper rotation(const models::Attention& l, const Norms& norms);

}  // namespace taut::certify
