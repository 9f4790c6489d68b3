#include "src/train/step.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/loss.hpp"
#include "src/train/schedule.hpp"

namespace taut::train {

data::Order order_of(const TrainOptions& options, const data::Dataset& dataset) {
  // A stream of its own: the seed itself draws the weights.
  return data::Order(data::size(dataset, dataset.train), mix(options.seed, {1}));
}

void advance(State& state, const data::Dataset& dataset, data::Order& order,
             const TrainOptions& options) {
  const Stopwatch watch;
  const at::AutoGradMode with_gradients(true);
  const data::Batch batch =
      data::gather(dataset, dataset.train, order.next(state.cursor, options.batch));
  const at::Tensor logits = models::forward(state.network, batch.input);
  const double margin = options.margin * margin_share(state.step, options.steps);
  const at::Tensor loss = cross_entropy(logits, batch.label, margin);
  const double value = loss.item<double>();
  try {
    require(std::isfinite(value), "the loss is {}", value);
    const auto gradients = torch::autograd::grad({loss}, leaves(state.optimizer.groups));
    const double rate =
        rate_multiplier(options.schedule, state.step, options.steps, options.warmup);
    train::step(state.optimizer, gradients, rate, options);
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
