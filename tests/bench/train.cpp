#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include "src/core/core.hpp"
#include "src/train/state.hpp"
#include "src/train/step.hpp"
#include "src/train/tracking.hpp"

// What caps, certified divisions and tracking cost beside the same run with AdamW and none of them:
// whole stretches of steps, the last of which is evaluated, without the evaluation's forward pass.
// Random data of the right shape; the cost of a step does not depend on what they show.
namespace {

using namespace taut;

struct Subject {
  data::Dataset dataset;
  train::TrainOptions options;
  int steps = 0;  // of a stretch
};

train::TrainOptions capped(train::TrainOptions o, int steps) {
  o.steps = 1000000;
  o.evaluate_every = steps;
  o.checkpoint_every = o.steps;
  o.optimizer.lr = 0.05;
  return o;
}

// 3072-256-256-10 at batch 512.
Subject cifar_mlp() {
  Subject s;
  s.steps = 25;
  s.dataset.name = "bench";
  s.dataset.input.channels = 3;
  s.dataset.input.height = s.dataset.input.width = 32;
  s.dataset.classes = 10;
  at::Generator g = make_generator(1);
  s.dataset.train.values = at::randint(0, 256, {2048, 3, 32, 32}, g, at::kByte);
  s.dataset.train.labels = at::randint(0, 10, {2048}, g, at::kLong);
  s.dataset.validation = s.dataset.train;
  s.options.model.name = "mlp";
  s.options.model.width = 256;
  s.options.model.activation = "relu";
  s.options.batch = 512;
  s.options = capped(s.options, s.steps);
  return s;
}

// Two million parameters at 64 windows of 256 characters.
Subject shakespeare_gpt() {
  Subject s;
  s.steps = 3;
  s.dataset.name = "bench";
  s.dataset.input.kind = models::InputKind::tokens;
  s.dataset.input.context = 256;
  s.dataset.input.vocabulary = 65;
  s.dataset.classes = 65;
  s.dataset.train.values = at::randint(0, 65, {100000}, make_generator(1), at::kLong);
  s.dataset.validation = s.dataset.train;
  s.options.model.name = "gpt";
  s.options.model.width = 256;
  s.options.model.blocks = 3;
  s.options.model.clamp = 0;
  s.options.model.activation = "abs";
  s.options.batch = 64;
  s.options = capped(s.options, s.steps);
  return s;
}

void stretch(benchmark::State& state, const Subject& subject, bool constrained) {
  train::TrainOptions o = subject.options;
  if (!constrained) {
    o.optimizer.name = "adamw";
    o.optimizer.lr = 0.001;
    o.constraint.name = "none";
  }
  const at::Tensor seen = data::gather(subject.dataset, subject.dataset.validation,
                                       at::arange(std::min<int64_t>(o.batch, 64), at::kLong))
                              .input;
  train::State run = train::fresh_state(o, subject.dataset);
  data::Order order = train::order_of(o, subject.dataset);
  train::advance(run, subject.dataset, order, o);
  for (auto _ : state) {
    for (int i = 0; i < subject.steps; ++i) train::advance(run, subject.dataset, order, o);
    if (!constrained) continue;
    benchmark::DoNotOptimize(train::track(run.network, seen));
  }
  state.counters["steps"] = subject.steps;
}

void mlp(benchmark::State& state, bool constrained) { stretch(state, cifar_mlp(), constrained); }
void gpt(benchmark::State& state, bool constrained) {
  stretch(state, shakespeare_gpt(), constrained);
}

}  // namespace

#define TIMED Unit(benchmark::kMillisecond)->UseRealTime()
BENCHMARK_CAPTURE(mlp, constrained, true)->TIMED;
BENCHMARK_CAPTURE(mlp, adamw, false)->TIMED;
BENCHMARK_CAPTURE(gpt, constrained, true)->TIMED->Iterations(1);
BENCHMARK_CAPTURE(gpt, adamw, false)->TIMED->Iterations(1);
