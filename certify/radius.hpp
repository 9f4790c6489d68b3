#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "certify/bound.hpp"
#include "models/network.hpp"

namespace taut::certify {

// For the class `winner`: an upper bound on |gain| ||w_winner - w_j|| for every j. (classes) double
at::Tensor row_distances(const models::Linear& head, int64_t winner);

// Lower bounds on the real z_winner - z_j from computed logits (rows, classes) that err by at most
// `error` per row in l2; +infinity at j = winner. NaN where a logit is NaN.
at::Tensor margins_below(const at::Tensor& logits, int64_t winner, Upper error);

// What the network promises for perturbations of norm at most `eps`: the last hidden token moves by
// at most `constant` per unit, and a difference of two computed logits errs by at most `allowance`.
struct Promise {
  double eps = 0;
  Upper constant;
  Upper allowance;
};

// The largest proved radius per row: the greatest r <= eps of some promise with
// distance_j * constant * r + allowance <= margin_j for every rival j. 0 where a margin is not
// positive or is NaN. Rounded down. The decision holds for perturbations strictly smaller.
// (mathematics: from a bound to a radius)
at::Tensor radii(const at::Tensor& margins, const at::Tensor& distances,
                 const std::vector<Promise>& promises);

}  // namespace taut::certify
