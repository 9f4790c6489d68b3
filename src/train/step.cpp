#include "src/train/step.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/adversary.hpp"
#include "src/train/constraint.hpp"
#include "src/train/device.hpp"
#include "src/train/exchange.hpp"
#include "src/train/loss.hpp"
#include "src/train/precision.hpp"
#include "src/train/schedule.hpp"

namespace taut::train {

bool due(int64_t step, int64_t every, const TrainOptions& options) {
  return step % every == 0 || step == options.steps;
}

namespace {

// Steps between two looks at the powers of K, and at the forms of its norms.
constexpr int64_t kPowersEvery = 100, kFormsEvery = 5;

// K depends on a branch that began at zero by a power that grows with it: every time the run is
// twice as long it is looked at again.
bool powers_are_due(const ConstantEstimate& estimate, int64_t step) {
  if (estimate.terms.empty() || step % kPowersEvery == 0) return true;
  return estimate.settling && step < kPowersEvery &&
         std::has_single_bit(static_cast<uint64_t>(step));
}

// The next examples. Augmentation draws for the whole batch, whoever takes which part of it.
data::Batch next_batch(const State& state, const data::Dataset& dataset, data::Order& order,
                       const TrainOptions& options) {
  data::Batch batch = data::gather(dataset, dataset.train, order.next(state.cursor, options.batch));
  const data::Augmentation& how = options.data.augmentation;
  if (how != data::Augmentation{}) {
    batch.input = data::augment(batch.input, how,
                                mix(options.seed, {2, static_cast<uint64_t>(state.cursor)}));
  }
  return batch;
}

// A part of them as the network is to see it.
data::Batch slice_of(const State& state, const data::Batch& batch, const team::Share& share,
                     const TrainOptions& options, at::Device device) {
  data::Batch slice{sent_to(batch.input.narrow(0, share.first, share.count), device),
                    sent_to(batch.label.narrow(0, share.first, share.count), device)};
  const LossOptions& l = options.loss;
  if (l.adversarial_eps > 0) {
    const uint64_t key = mix(options.seed, {3, static_cast<uint64_t>(state.cursor)});
    slice.input = adversarial_images(state.network, slice.input, slice.label,
                                     threat_of(l, state.network.input), l.adversarial_eps,
                                     l.adversarial_steps, key, share.first);
  }
  return slice;
}

// What rivals are ahead by in the loss; undefined without loss.certified_eps.
at::Tensor handicap(State& state, const LossOptions& options, double share) {
  if (options.certified_eps == 0) return {};
  ConstantEstimate& estimate = state.constant;
  const at::Tensor distances = head_distances(models::head_of(state.network));
  if (powers_are_due(estimate, state.step)) {
    const bool settling = estimate.settling;
    estimate = estimate_constant(state.network, threat_of(options, state.network.input));
    estimate.settling = estimate.settling || settling;
    check_margin(estimate, distances, options.certified_eps);
  }
  const bool without = !estimate.terms.empty() && !estimate.terms.front().form.defined();
  if (without || state.step % kFormsEvery == 0) take_forms(estimate, state.network);
  const at::Tensor constant = estimated_constant(estimate, state.network).to(at::kFloat);
  return distances * constant * (options.certified_eps * share);
}

at::Tensor loss_of(const at::Tensor& logits, const at::Tensor& label, const at::Tensor& ahead,
                   double share, const LossOptions& l) {
  if (l.temperature == 1) {
    return cross_entropy(logits, label, l.margin * share, ahead, l.smoothing);
  }
  return cross_entropy(logits / l.temperature, label, l.margin * share,
                       ahead.defined() ? ahead / l.temperature : ahead, l.smoothing);
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

// Adds NaN unless all entries are finite, else 0.
void add_health(const at::Tensor& sums, const std::vector<at::Tensor>& gradients) {
  for (const at::Tensor& gradient : gradients) {
    if (gradient.defined()) sums[2].add_(gradient.sum(at::kDouble) * 0);
  }
}

Projections over_ranks(const team::Team& team, const Projections& own) {
  if (team.size == 1) return own;
  const at::Tensor sums = at::tensor({own.asked, own.skipped}, at::kLong);
  team::sum(team, sums);
  return {sums[0].item<int64_t>(), sums[1].item<int64_t>()};
}

// Gradients of the mean loss of the batch, in the order of leaves(), of the groups that this rank
// steps; adds to what is unread. Ranks have slices in a row, and a slice weighs as much as it has
// of the batch.
std::vector<at::Tensor> differentiate(State& state, const data::Batch& batch,
                                      const TrainOptions& options, const PartEnded& ended) {
  const team::Team& team = state.optimizer.team;
  const auto slices = static_cast<int>(slices_of(options, team));
  const int own = slices / team.size;
  GradientSums sums(state.optimizer);
  std::vector<at::Tensor> gradients;
  const at::Device device = models::device_of(state.network);
  at::Tensor& seen = state.unread.sums;
  if (!seen.defined()) seen = at::zeros({3}, at::TensorOptions(at::kDouble).device(device));
  const double margin = margin_share(state.step, options.steps);
  at::Tensor ahead;  // the same for all slices; each goes back through it
  for (int i = 0; i < own; ++i) {
    const team::Share share = team::share_of({team.rank * own + i, slices}, options.batch);
    const data::Batch slice = slice_of(state, batch, share, options, device);
    if (ended) ended(Part::batch);
    if (i == 0) ahead = handicap(state, options.loss, margin);
    const at::Tensor logits = logits_in(options.precision, state.network, slice.input);
    const at::Tensor loss = loss_of(logits, slice.label, ahead, margin, options.loss);
    const double weight = static_cast<double>(share.count) / static_cast<double>(options.batch);
    seen[0].add_(loss.detach(), weight);
    seen[1].add_(correct(logits.detach(), slice.label));
    if (ended) ended(Part::forward);
    if (i > 0) sums.add(gradients);
    if (i + 1 == own) sums.expect_last();
    const bool again = i + 1 < own;
    gradients = torch::autograd::grad({slices == 1 ? loss : loss * weight},
                                      leaves(state.optimizer.groups), {}, again);
    if (ended) ended(Part::backward);
  }
  gradients = sums.finish(gradients);
  if (state.read_every > 1) add_health(seen, gradients);
  ++state.unread.steps;
  state.unread.rows += batch.label.numel();
  return gradients;
}

}  // namespace

data::Order order_of(const TrainOptions& options, const data::Dataset& dataset) {
  // A stream of its own: the seed itself draws the weights.
  return data::Order(data::size(dataset, dataset.train), mix(options.seed, {1}));
}

void read_losses(State& state) {
  Unread& unread = state.unread;
  if (unread.steps == 0) return;
  const at::Tensor sums = unread.sums.to(at::kCPU);
  team::sum(state.optimizer.team, sums);
  const double loss = sums[0].item<double>();
  const std::string when =
      unread.steps > 1 ? fmt::format(" in one of the last {} steps", unread.steps) : "";
  require(std::isfinite(loss), "the loss is {}{}", loss, when);
  require(std::isfinite(sums[2].item<double>()), "a gradient is not finite{}", when);
  state.tally.add(loss, unread.steps, sums[1].to(at::kLong).item<int64_t>(), unread.rows);
  unread.sums.zero_();
  unread.steps = unread.rows = 0;
}

void advance(State& state, const data::Dataset& dataset, data::Order& order,
             const TrainOptions& options, const PartEnded& ended) {
  const Stopwatch watch;
  const at::AutoGradMode with_gradients(true);
  const data::Batch batch = next_batch(state, dataset, order, options);
  const Rates rates = rates_of(state.step, options);
  try {
    const std::vector<at::Tensor> gradients = differentiate(state, batch, options, ended);
    const bool reads = rates.certify || state.unread.steps >= state.read_every;
    if (reads) read_losses(state);
    const Projections projections = over_ranks(
        state.optimizer.team, train::step(state.optimizer, gradients, rates, options, ended));
    state.tally.projections += projections.asked;
    state.tally.projections_skipped += projections.skipped;
    // Else an evaluation would be billed for the steps before it.
    if (reads) wait_for(models::device_of(state.network));
  } catch (const Error& error) {
    fail("step {}: {}; a lower optimizer.lr may help", state.step + 1, error.what());
  }
  ++state.step;
  state.cursor += options.batch;
  state.tally.seconds += watch.seconds();
  state.step_seconds += watch.seconds();
}

}  // namespace taut::train
