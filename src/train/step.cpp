#include "src/train/step.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/adversary.hpp"
#include "src/train/constraint.hpp"
#include "src/train/loss.hpp"
#include "src/train/precision.hpp"
#include "src/train/schedule.hpp"

namespace taut::train {

bool due(int64_t step, int64_t every, const TrainOptions& options) {
  return step % every == 0 || step == options.steps;
}

namespace {

constexpr int64_t kRefreshEvery = 100;  // steps between two looks at the powers of K

// The next examples as the network is to see them.
data::Batch next_batch(const State& state, const data::Dataset& dataset, data::Order& order,
                       const TrainOptions& options) {
  data::Batch batch = data::gather(dataset, dataset.train, order.next(state.cursor, options.batch));
  const auto cursor = static_cast<uint64_t>(state.cursor);
  const data::Augmentation& how = options.data.augmentation;
  if (how.flip || how.shift > 0) {
    batch.input = data::augment(batch.input, how, mix(options.seed, {2, cursor}));
  }
  const LossOptions& l = options.loss;
  if (l.adversarial_eps > 0) {
    batch.input = adversarial_images(state.network, batch.input, batch.label,
                                     threat_of(l, state.network.input), l.adversarial_eps,
                                     l.adversarial_steps, mix(options.seed, {3, cursor}));
  }
  return batch;
}

// What rivals are ahead by in the loss; undefined without loss.certified_eps.
at::Tensor handicap(State& state, const LossOptions& options, double share) {
  if (options.certified_eps == 0) return {};
  if (state.constant.terms.empty() || state.step % kRefreshEvery == 0) {
    state.constant = estimate_constant(state.network, threat_of(options, state.network.input));
  }
  const at::Tensor constant = estimated_constant(state.constant, state.network).to(at::kFloat);
  const auto& head = models::head_of(state.network);
  return head_distances(head) * constant * (options.certified_eps * share);
}

at::Tensor loss_of(State& state, const at::Tensor& logits, const at::Tensor& label,
                   const TrainOptions& options) {
  const LossOptions& l = options.loss;
  const double share = margin_share(state.step, options.steps);
  const at::Tensor ahead = handicap(state, l, share);
  if (l.temperature == 1) return cross_entropy(logits, label, l.margin * share, ahead);
  return cross_entropy(logits / l.temperature, label, l.margin * share,
                       ahead.defined() ? ahead / l.temperature : ahead);
}

Rates rates_of(int64_t step, const TrainOptions& options) {
  const OptimizerOptions& o = options.optimizer;
  Rates rates;
  rates.lr = rate_multiplier(options.schedule, step, options.steps, options.warmup);
  rates.cap_before = cap_factor(options.constraint, step, options.steps);
  rates.cap = cap_factor(options.constraint, step + 1, options.steps);
  rates.momentum =
      momentum_at(o.momentum_start, o.momentum, o.momentum_warmup, step, options.steps);
  rates.certify = due(step + 1, options.evaluate_every, options) ||
                  due(step + 1, options.checkpoint_every, options);
  return rates;
}

}  // namespace

data::Order order_of(const TrainOptions& options, const data::Dataset& dataset) {
  // A stream of its own: the seed itself draws the weights.
  return data::Order(data::size(dataset, dataset.train), mix(options.seed, {1}));
}

void advance(State& state, const data::Dataset& dataset, data::Order& order,
             const TrainOptions& options, const PartEnded& ended) {
  const Stopwatch watch;
  const at::AutoGradMode with_gradients(true);
  const data::Batch batch = next_batch(state, dataset, order, options);
  if (ended) ended(Part::batch);
  const at::Tensor logits = logits_in(options.precision, state.network, batch.input);
  const at::Tensor loss = loss_of(state, logits, batch.label, options);
  const double value = loss.item<double>();
  if (ended) ended(Part::forward);
  try {
    require(std::isfinite(value), "the loss is {}", value);
    const auto gradients = torch::autograd::grad({loss}, leaves(state.optimizer.groups));
    if (ended) ended(Part::backward);
    const Projections projections =
        train::step(state.optimizer, gradients, rates_of(state.step, options), options, ended);
    state.tally.projections += projections.asked;
    state.tally.projections_skipped += projections.skipped;
  } catch (const Error& error) {
    fail("step {}: {}; lower optimizer.lr and resume from the last checkpoint", state.step + 1,
         error.what());
  }
  state.tally.add(value, count_correct(logits.detach(), batch.label), batch.label.numel());
  ++state.step;
  state.cursor += options.batch;
  state.tally.seconds += watch.seconds();
  state.step_seconds += watch.seconds();
}

}  // namespace taut::train
