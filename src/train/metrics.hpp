#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "src/train/tracking.hpp"

namespace taut::train {

// Sums over the steps since the last line of metrics.
struct Tally {
  double loss = 0;
  int64_t steps = 0, correct = 0, rows = 0;
  double seconds = 0;
  int64_t projections = 0, projections_skipped = 0;  // of groups of capped matrices

  void add(double losses, int64_t batches, int64_t right, int64_t labels);  // sums
  double mean_loss() const;
  double accuracy() const;
  double rows_per_second() const;
};

// One line of metrics.jsonl. Training numbers are means over the steps since the line before;
// seconds count from the start of training, earlier sessions included. A row is an image or a
// position of a sequence.
struct Line {
  int64_t step = 0;
  Tally tally;
  double validation_loss = 0, validation_accuracy = 0;
  double lr = 0;                      // of the last step
  std::optional<double> log10_bound;  // of the global constant
  double seconds = 0;
  Tracking tracking;
};

// {"step": .., "loss": .., "accuracy": .., "validation_loss": .., "validation_accuracy": .., "lr":
// .., "log10_bound": .., "rows_per_second": .., "projections_skipped": .. (share), "seconds": ..,
// "layers": {name: [largest entry, RMS]}, "weights": {path: [[sigma >=, sigma <=, stable rank] a
// matrix]}}; what JSON has no number for is "inf", "-inf" or "nan".
std::string json(const Line& line);

// "120/500, loss 0.512, accuracy 84.2 %, lr 0.076, bound 1.3e+02, 5120 images/s, 0:12 left"
std::string progress(const Line& line, int64_t steps, double seconds_left, const char* unit);

}  // namespace taut::train
