#pragma once

#include <ATen/core/Generator.h>

#include <limits>
#include <optional>

#include "src/train/constant_estimate.hpp"
#include "src/train/metrics.hpp"
#include "src/train/optimizer.hpp"
#include "src/train/trainer.hpp"

namespace taut::train {

// Steps whose losses the host has not looked at: a look waits for the GPU.
struct Unread {
  at::Tensor sums;  // (3), double, on the device: loss, correct, and 0, or NaN after a gradient
                    // that is not finite
  int64_t steps = 0, rows = 0;
};

// The entry of a checkpoint's provenance that says which data the run saw: Dataset::source.
inline constexpr char kDataSource[] = "data_source";

// Everything that changes while training. A checkpoint is this, and nothing else of the run matters
// for the steps to come.
struct State {
  models::Network network;
  Optimizer optimizer;
  at::Generator generator;
  int64_t step = 0;        // done
  int64_t cursor = 0;      // examples consumed
  Tally tally;             // since the last line of metrics
  Unread unread;           // not in it yet; empty at every checkpoint
  int64_t read_every = 1;  // steps
  Evaluation validation;
  double best_accuracy = 0, best_loss = std::numeric_limits<double>::infinity();
  std::optional<double> bound;  // log10, of the last evaluation
  ConstantEstimate constant;    // behind loss.certified_eps; without terms: not taken yet
  double step_seconds = 0;      // in steps alone
  double seconds = 0;           // in all, earlier sessions included
};

// On the device of the options, which this opens.
State fresh_state(const TrainOptions& options, const data::Dataset& dataset,
                  const team::Team& team = {});

// Throws Error when the checkpoint does not fit the data or the optimizer.
State resumed_state(const TrainOptions& options, const data::Dataset& dataset,
                    const io::Checkpoint& checkpoint, const team::Team& team = {});

// Makes certified divisions that are due; what the weights were before is in the checkpoint too,
// for training to go on from. Error names a weight that is not finite.
io::Checkpoint snapshot(State& state, const TrainContext& context, const TrainOptions& options);

double ms_per_step(const State& state);

}  // namespace taut::train
