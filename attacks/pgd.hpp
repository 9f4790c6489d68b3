#pragma once

#include "attacks/ball.hpp"
#include "attacks/subject.hpp"

namespace taut::attacks {

// Rows under projected gradient ascent. Every row is a problem of its own: the loss is summed over
// rows, never averaged, and sizes, aims and draws are per row.
struct Job {
  Ball ball;
  at::Tensor position, label;  // (rows) int64
  at::Tensor target;           // (rows) int64: raise z_target - z_label; -1: raise the loss
  at::Tensor key;              // (rows) int64: names the row's draws
  at::Tensor delta;            // (rows, ...) where to start
};

struct Ascent {
  at::Tensor delta;       // (rows, ...) of the first success, else of the largest margin
  at::Tensor margin;      // (rows) float, there
  at::Tensor fooled;      // (rows) bool
  int64_t gradients = 0;  // gradient evaluations, summed over rows
};

// `steps` normalised steps of 2.5 eps / steps [Madry et al. 2018]. A row leaves at its first
// success; where the gradient vanishes the step is random. `stop`, asked after every step, ends the
// ascent of all rows.
Ascent pgd(const Subject& subject, Job job, Loss loss, int64_t steps, bool (*stop)() = nullptr);

// The same without a question to the device, which would wait for it: rows that have succeeded stay
// in the batch. pgd() takes this way on a GPU; there all gradients are counted.
Ascent pgd_unasked(const Subject& subject, Job job, Loss loss, int64_t steps,
                   bool (*stop)() = nullptr);

}  // namespace taut::attacks
