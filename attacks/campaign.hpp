#pragma once

#include "attacks/aims.hpp"
#include "attacks/pgd.hpp"
#include "src/core/core.hpp"

namespace taut::attacks {

// The smallest perturbation of each row so far, on the CPU.
struct Best {
  at::Tensor adversarial{};  // (rows, ...) float; clean where nothing was found
  at::Tensor radius{};       // (rows) double, verified; infinite where nothing was found
};

// All rows under one threat and what was found so far, on the CPU.
struct Campaign {
  Subject subject;
  Rows rows;
  AttackOptions options;
  at::Tensor prediction{};  // (rows) int64, clean
  at::Tensor attackable{};  // (rows) bool: the clean input is classified correctly
  Best found{};             // fools the fp32 program: what the search drives down
  Best confirmed{};         // fools fp64 as well
  Aims aims{};              // of all rows; undefined when no attempt needs them
  int64_t gradients = 0;
  Progress progress{};
};

// Clean predictions, and aims where the options need them. Error names the first row whose clean
// logits are not numbers.
void prepare(Campaign& campaign);

// One run of PGD.
struct Attempt {
  bool warm = false;     // start from the best so far, projected; else from a random point
  double spread = 1;     // of the ball of spread * eps
  int64_t aim = -1;      // which of the row's aims; -1: the loss
  uint64_t counter = 0;  // names the draws, together with the row
};

// Runs it on the rows of `among`, (rows) bool, that are not broken within their eps, (rows) double;
// what verifies and improves is kept.
void attempt(Campaign& campaign, const at::Tensor& among, const at::Tensor& eps,
             const Attempt& how);

// A fresh pass over what is stored; what does not hold is given up.
void verify_all(Campaign& campaign);

// The minimal-radius search: eps grows from the linearised distance until the row breaks, then
// bisection on it (search.cpp).
void search_radius(Campaign& campaign);

}  // namespace taut::attacks
