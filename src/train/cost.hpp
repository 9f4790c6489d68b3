#pragma once

#include "models/network.hpp"
#include "src/train/optimizer.hpp"

namespace taut::train {

// Floating point operations of the matrix products in one pass of `batch` examples and back, as the
// architecture has them: two for every multiplication and addition.
struct PassFlops {
  double forward = 0, backward = 0;
};
PassFlops pass_flops(const models::Network& network, int64_t batch);

// Of the certified divisions of a step, on average: Gram matrix of the short side and Cholesky test
// of every capped matrix, in double. With short side m and long side n: m^2 n (a triangle of A^T A)
// + m^3 / 3. Soft caps are divided in some steps only (due_share).
double proof_flops(const std::vector<Group>& groups, const TrainOptions& options);

// Share of the steps after which an evaluation or a checkpoint is due, in a long run.
double due_share(const TrainOptions& options);

// Bytes of weights, and of what the optimizer carries from step to step.
struct StoredBytes {
  int64_t weights = 0, optimizer = 0;
};
StoredBytes stored_bytes(const std::vector<Group>& groups);

}  // namespace taut::train
