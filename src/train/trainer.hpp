#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "src/io/checkpoint.hpp"
#include "src/team/team.hpp"
#include "src/train/options.hpp"

namespace taut::train {

struct TrainSummary {
  int64_t step = 0;
  int64_t evaluated = 0;                             // the last step at which these were taken:
  double loss = 0, accuracy = 0, best_accuracy = 0;  // of the validation split
  std::optional<double> bound;  // log10 of K for the first threat; none before an evaluation
  double seconds = 0, ms_per_step = 0;
  int64_t parameters = 0;
  bool interrupted = false;
};

// What the caller knows of its surroundings and the trainer only passes on.
struct TrainContext {
  std::filesystem::path folder;  // of the run; created by the caller
  std::string config;            // complete configuration as text, stored in every checkpoint
  std::map<std::string, std::string> provenance;
  team::Team team{};            // the ranks that call train() together; the first writes
  std::function<void()> begin;  // called by the first, once, before anything is written
};

// Trains from scratch, or goes on from `resume`, until options.steps or an interrupt, after which
// the state is saved and summary.interrupted set. On CPU the result does not depend on
// interruptions, bit for bit. A loss that is not finite is an Error; the last good checkpoint
// stays.
TrainSummary train(const TrainOptions& options, const TrainContext& context,
                   const io::Checkpoint* resume = nullptr);

// Loss (mean over rows, no margin) and accuracy on the first `examples` of the split, whose batches
// the ranks of the team take in turn.
struct Evaluation {
  double loss = 0, accuracy = 0;
};
// Error unless the network gives a row of logits for every label of an example.
void check_rows(const models::Network& network, const data::Dataset& dataset);
Evaluation evaluate(const models::Network& network, const data::Dataset& dataset,
                    const data::Split& split, int64_t examples, int64_t batch,
                    const team::Team& team = {});

}  // namespace taut::train
