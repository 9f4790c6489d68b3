#pragma once

#include <string>

#include "kernels/orthogonalize.hpp"
#include "models/models.hpp"
#include "src/data/data.hpp"
#include "src/team/team.hpp"

namespace taut::train {

// Of any number among the options. Steps multiply it by shapes and hand it to fp32, where LibTorch
// refuses what is beyond 3.4e38.
inline constexpr double kMostNumber = 1e30;

struct OptimizerOptions {
  std::string name = "muon";   // muon (matrices; AdamW for vectors and tables where said) | adamw |
                               // sgd
  double lr = 0.1;             // > 0
  double momentum = 0.9;       // muon and sgd, [0, 1)
  double momentum_start = 0;   // of a warm-up to it, [0, 1)
  double momentum_warmup = 0;  // share of the steps that takes, [0, 1)
  bool nesterov = false;       // muon and sgd
  std::string polar = "modula6";                 // coefficient set: muon5 | modula6 | polar_express
  int64_t polar_steps = 0;                       // of the set; 0: its default
  double weight_decay = 0;                       // decoupled, >= 0
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;  // adamw
  double vector_lr = 0.003;  // muon runs: AdamW rate of biases, gains and position biases
};

struct ConstraintOptions {
  // none | soft_cap (muon) | hard_cap | spectral_normalize | stiefel | hammer |
  // spectral_weight_decay | weight_decay
  std::string name = "soft_cap";
  std::string attention = "";  // of query, key and value; empty: name
  std::string head = "";       // of the last linear; empty: name
  std::string table = "";      // row_cap | none | weight_decay; empty: row_cap unless name is none
  std::string heads = "per_head";  // per_head | fused: what is one matrix in query, key and value
  double w_max = 1;                // hidden and output: RMS->RMS; > 0
  double w_max_query_key = 0;      // 0: w_max; per head or fused
  double w_max_value = 0;          // 0: w_max
  double w_max_head = 1;           // the last linear
  double table_rms = 1;            // rows of embedding and position tables
  bool lazy = false;  // muon: project only when the carried bound on sigma is above the cap
  double start = 1;   // factor of all caps of matrices at first, moving geometrically to 1; > 0
  // per unit of lr; spectral_weight_decay: of the largest singular value, weight_decay: of all
  double decay = 0.1;
};

struct LossOptions {
  double temperature = 1;      // logits are divided by it, > 0
  double smoothing = 0;        // share of the label that all classes have alike, [0, 1)
  double margin = 0;           // logits added to every rival, >= 0
  double certified_eps = 0;    // size at which the loss asks for a certificate, >= 0: rival j gets
                               // eps K ||w_y - w_j|| more, K the global constant as it is now
  double adversarial_eps = 0;  // images are moved by PGD within this ball first, >= 0
  int64_t adversarial_steps = 5;  // > 0
  std::string threat = "";        // of both sizes; empty: the network's first
};

struct TrainOptions {
  data::DataOptions data;
  models::Architecture model;
  OptimizerOptions optimizer;
  ConstraintOptions constraint;
  LossOptions loss;
  int64_t steps = 500;               // > 0
  int64_t batch = 128;               // > 0
  int64_t slices = 2;                // parts whose gradients are summed, > 0 (slices_of)
  std::string precision = "fp32";    // of the steps: fp32 or bf16 (precision.hpp)
  std::string device = "cpu";        // of the steps: cpu or cuda (device.hpp)
  std::string schedule = "linear";   // constant, linear or cosine
  double warmup = 0;                 // share of the steps, [0, 1)
  int64_t evaluate_every = 100;      // steps
  int64_t evaluate_examples = 1000;  // of the validation split, at most
  int64_t checkpoint_every = 100;    // steps
  int64_t keep = 2;                  // numbered checkpoints kept, > 0
  uint64_t seed = 0;
};

// The coefficient set and steps of Muon; Error when the set does not have them.
kernels::Polar polar_of(const OptimizerOptions& options);

// The parts of a batch, shared by the ranks of a team: as many as `slices`, but none empty and as
// many for each rank; at least one each. One rank and two sum the same parts by default.
int64_t slices_of(const TrainOptions& options, const team::Team& team);

// Throws Error naming the first option that is out of its range, with the range and the value.
void check(const TrainOptions& options);
// And what the number of processes asks of the batch.
void check(const TrainOptions& options, const team::Team& team);
// And what only data and network can tell: threats and augmentations that these inputs do not have
// or that leave nothing of them, a constant that is too large for loss.certified_eps.
void check(const TrainOptions& options, const models::Network& network);

// The threat of loss.certified_eps and loss.adversarial_eps. Error lists the ones of this input.
models::Threat threat_of(const LossOptions& options, const models::InputSpec& input);

}  // namespace taut::train
