#pragma once

#include <string>

#include "models/architectures.hpp"
#include "src/data/data.hpp"

namespace taut::train {

struct OptimizerOptions {
  std::string name = "muon";  // muon (matrices; AdamW for vectors and tables where said) | adamw
  double lr = 0.1;            // > 0
  double momentum = 0.9;      // muon, [0, 1)
  bool nesterov = false;      // muon
  std::string polar = "modula6";  // coefficient set: muon5 | modula6 | polar_express6
  double weight_decay = 0;        // decoupled, >= 0
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;  // adamw
  double vector_lr = 0.003;  // muon runs: AdamW rate of biases, gains and position biases
};

struct ConstraintOptions {
  // none | soft_cap (muon) | hard_cap | spectral_normalize | stiefel | hammer |
  // spectral_weight_decay
  std::string name = "soft_cap";
  double w_max = 1;       // hidden, query, key, value, output: RMS->RMS, per head for q, k, v; > 0
  double w_max_head = 1;  // the last linear
  double table_rms = 1;   // rows of embedding and position tables
  double decay = 0.1;     // spectral_weight_decay: of the largest singular value, per unit of lr
};

struct TrainOptions {
  data::DataOptions data;
  models::Architecture model;
  OptimizerOptions optimizer;
  ConstraintOptions constraint;
  int64_t steps = 500;               // > 0
  int64_t batch = 128;               // > 0
  std::string schedule = "linear";   // linear | cosine decay to zero
  double warmup = 0;                 // share of the steps, [0, 1)
  double margin = 0;                 // margin added to rival logits in the loss, >= 0 (logit units)
  int64_t evaluate_every = 100;      // steps
  int64_t evaluate_examples = 1000;  // of the validation split, at most
  int64_t checkpoint_every = 100;    // steps
  int64_t keep = 2;                  // numbered checkpoints kept, > 0
  uint64_t seed = 0;
};

// Throws Error naming the first option that is out of its range, with the range and the value.
void check(const TrainOptions& options);

}  // namespace taut::train
