#include "src/train/rehearsal.hpp"

#include <algorithm>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/device.hpp"
#include "src/train/meters.hpp"
#include "src/train/step.hpp"

namespace taut::train {
namespace {

constexpr int64_t kLeastSteps = 3, kMostSteps = 200;
constexpr double kEnoughSeconds = 1, kSlowStep = 20;

// A step of the schedule that the run has: a rehearsal may be longer than a short run.
void step_once(State& state, const data::Dataset& dataset, data::Order& order,
               const TrainOptions& options, const PartEnded& ended) {
  state.step = std::min(state.step, options.steps - 1);
  advance(state, dataset, order, options, ended);
}

double metered_step(Rehearsal& r, State& state, const data::Dataset& dataset, data::Order& order,
                    const TrainOptions& options) {
  const Stopwatch watch;
  const ProductMeter products;
  const AllocationMeter tensors;
  double flops = 0;
  int64_t before_forward = 0;
  step_once(state, dataset, order, options, [&](Part part) {
    r.part_flops[static_cast<size_t>(part)] += products.flops() - flops;
    flops = products.flops();
    if (part == Part::batch) before_forward = tensors.live();
    if (part == Part::forward) r.kept_bytes = tensors.live() - before_forward;
  });
  r.peak_bytes = tensors.peak();
  return watch.seconds();
}

void timed_step(Rehearsal& r, State& state, const data::Dataset& dataset, data::Order& order,
                const TrainOptions& options) {
  const Stopwatch watch;
  double last = 0;
  step_once(state, dataset, order, options, [&](Part part) {
    wait_for(models::device_of(state.network));
    const double now = watch.seconds();
    r.part_seconds[static_cast<size_t>(part)] += now - last;
    last = now;
  });
  r.seconds += watch.seconds();
  ++r.steps;
}

}  // namespace

Rehearsal rehearse(State& state, const data::Dataset& dataset, const TrainOptions& options) {
  Rehearsal r{};
  data::Order order = order_of(options, dataset);
  const double first = metered_step(r, state, dataset, order, options);
  const int64_t least = first > kSlowStep ? 1 : kLeastSteps;
  while (r.steps < least || (r.seconds < kEnoughSeconds && r.steps < kMostSteps)) {
    if (interrupted()) break;
    timed_step(r, state, dataset, order, options);
  }
  const auto steps = static_cast<double>(std::max<int64_t>(r.steps, 1));
  r.seconds /= steps;
  for (double& seconds : r.part_seconds) seconds /= steps;
  return r;
}

}  // namespace taut::train
