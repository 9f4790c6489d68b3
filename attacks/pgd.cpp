#include "attacks/pgd.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>
#include <utility>

#include "attacks/draws.hpp"
#include "attacks/loss.hpp"
#include "src/core/core.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;

struct Evaluation {
  Tensor margin, fooled;  // (rows)
  Tensor gradient;        // of the objective, (rows, ...); undefined unless asked for
};

Tensor objective(const Job& job, Loss loss, const Tensor& logits) {
  const Tensor lead = logits.gather(1, job.target.clamp_min(0).unsqueeze(1)) -
                      logits.gather(1, job.label.unsqueeze(1));
  return at::where(job.target >= 0, lead.squeeze(1), loss_of(loss, logits, job.label));
}

Evaluation evaluate(const Subject& subject, const Job& job, Loss loss, bool with_gradient) {
  const c10::AutoGradMode mode(with_gradient);
  const Tensor moved = (job.ball.clean + job.delta).requires_grad_(with_gradient);
  const Tensor logits = row_logits(subject.deployed, moved, job.position);
  Evaluation e;
  if (with_gradient) {
    e.gradient = torch::autograd::grad({objective(job, loss, logits).sum()}, {moved})[0];
  }
  const Tensor values = logits.detach();
  e.margin = margin_of(values, job.label);
  e.fooled = misclassified(values, job.label, kSlack);
  return e;
}

// The kept rows of every tensor.
Job keep_rows(const Job& job, const Tensor& kept) {
  const auto pick = [&](const Tensor& t) { return t.defined() ? t.index_select(0, kept) : t; };
  const Ball& b = job.ball;
  return {{b.threat, pick(b.clean), pick(b.eps), pick(b.movable)},
          pick(job.position),
          pick(job.label),
          pick(job.target),
          pick(job.key),
          pick(job.delta)};
}

// Unit steps uphill; random ones where there is no hill.
Tensor direction(const Job& job, const Tensor& gradient, int64_t step) {
  const Tensor uphill = steepest(job.ball, job.delta, gradient);
  const Tensor stuck = (uphill == 0).flatten(1).all(1);
  if (stuck.is_cpu() && !stuck.any().item<bool>()) return uphill;
  const int64_t first = (step + 1) * draws_per_use(job.ball);
  const Tensor draw = normal(job.key, first, gradient[0].numel()).view_as(gradient);
  return at::where(per_row(stuck, gradient), steepest(job.ball, job.delta, draw), uphill);
}

Ascent begin(Job& job) {
  job.delta = project(job.ball, job.delta);
  Ascent best;
  best.delta = job.delta.clone();
  best.margin =
      at::full(job.label.sizes(), -std::numeric_limits<double>::infinity(), job.delta.options());
  best.fooled = at::zeros(job.label.sizes(), job.delta.options().dtype(at::kBool));
  return best;
}

void walk(Job& job, const Tensor& gradient, int64_t step, int64_t steps) {
  const Tensor length = (job.ball.eps * (2.5 / static_cast<double>(steps))).to(at::kFloat);
  const Tensor stride = direction(job, gradient, step) * per_row(length, job.delta);
  job.delta = project(job.ball, job.delta + stride);
}

// `alive` says which rows of `best` the job still holds.
void record(Ascent& best, const Tensor& alive, const Job& job, const Evaluation& e) {
  const Tensor before = best.margin.index_select(0, alive);
  const Tensor better = (e.margin > before).logical_or(e.fooled).nonzero().flatten();
  const Tensor to = alive.index_select(0, better);
  best.delta.index_copy_(0, to, job.delta.index_select(0, better));
  best.margin.index_copy_(0, to, e.margin.index_select(0, better));
  best.fooled.index_copy_(0, alive, e.fooled);
}

}  // namespace

Ascent pgd(const Subject& subject, Job job, Loss loss, int64_t steps, bool (*stop)()) {
  if (!job.label.is_cpu()) return pgd_unasked(subject, std::move(job), loss, steps, stop);
  const c10::NoGradGuard no_grad;
  const int64_t rows = job.label.size(0);
  Ascent best = begin(job);
  Tensor alive = at::arange(rows, job.label.options());
  for (int64_t step = 0;; ++step) {
    Evaluation e = evaluate(subject, job, loss, /*with_gradient=*/step < steps);
    record(best, alive, job, e);
    if (step == steps || (stop != nullptr && stop())) return best;
    best.gradients += alive.size(0);
    const Tensor kept = e.fooled.logical_not().nonzero().flatten();
    if (kept.size(0) == 0) return best;
    if (kept.size(0) < alive.size(0)) {
      job = keep_rows(job, kept);
      alive = alive.index_select(0, kept);
      e.gradient = e.gradient.index_select(0, kept);
    }
    walk(job, e.gradient, step, steps);
  }
}

Ascent pgd_unasked(const Subject& subject, Job job, Loss loss, int64_t steps, bool (*stop)()) {
  const c10::NoGradGuard no_grad;
  Ascent best = begin(job);
  for (int64_t step = 0;; ++step) {
    const Evaluation e = evaluate(subject, job, loss, /*with_gradient=*/step < steps);
    // A row that has left walks on without being looked at.
    const Tensor taken =
        (e.margin > best.margin).logical_or(e.fooled).logical_and(best.fooled.logical_not());
    best.delta = at::where(per_row(taken, job.delta), job.delta, best.delta);
    best.margin = at::where(taken, e.margin, best.margin);
    best.fooled = best.fooled.logical_or(e.fooled.logical_and(taken));
    if (step == steps || (stop != nullptr && stop())) return best;
    best.gradients += job.label.size(0);
    walk(job, e.gradient, step, steps);
  }
}

}  // namespace taut::attacks
