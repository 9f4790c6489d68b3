#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "src/core/core.hpp"
#include "src/train/state.hpp"
#include "src/train/step.hpp"
#include "src/train/tracking.hpp"

// What caps, certified divisions and tracking cost beside the same run with AdamW and none of them:
// whole stretches of steps, the last of which is evaluated, without the evaluation's forward pass.
// The MLP is looked at as often as presets do, the GPT (every 500 steps) still fifty times as
// often. Random data of the right shape; the cost of a step does not depend on what they show.
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

// 3072-256-256-10 at batch 512, with the polar steps of the preset.
Subject cifar_mlp() {
  Subject s;
  s.steps = 100;
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
  s.options.optimizer.polar = "muon5";
  s.options.optimizer.polar_steps = 4;
  s.options = capped(s.options, s.steps);
  return s;
}

// Two million parameters at 64 windows of 256 characters.
Subject shakespeare_gpt() {
  Subject s;
  s.steps = 10;
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

double resident_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6);
  }
  return 0;
}

// 2,000 steps at an eighth of the batch; "error" is what the process has grown by since the 200th.
void memory(benchmark::State& state) {
  Subject s = cifar_mlp();
  s.options.batch = 64;
  for (auto _ : state) {
    train::State run = train::fresh_state(s.options, s.dataset);
    data::Order order = train::order_of(s.options, s.dataset);
    double early = 0;
    for (int i = 1; i <= 2000; ++i) {
      train::advance(run, s.dataset, order, s.options);
      if (i == 200) early = resident_kb();
    }
    state.counters["error"] = std::max(0.0, resident_kb() / early - 1);
  }
}

// The share of a step that goes by until its slices of the batch are there, as "error".
void waiting(benchmark::State& state, const Subject& s) {
  train::State run = train::fresh_state(s.options, s.dataset);
  data::Order order = train::order_of(s.options, s.dataset);
  train::advance(run, s.dataset, order, s.options);
  double all = 0, batch = 0;
  for (auto _ : state) {
    for (int i = 0; i < s.steps; ++i) {
      const Stopwatch watch;
      double ended = 0;  // the part before
      train::advance(run, s.dataset, order, s.options, [&](train::Part part) {
        const double now = watch.seconds();
        if (part == train::Part::batch) batch += now - ended;
        ended = now;
      });
      all += watch.seconds();
    }
  }
  state.counters["error"] = batch / all;
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
BENCHMARK(memory)->TIMED->Iterations(1)->Repetitions(2);
BENCHMARK_CAPTURE(waiting, mlp, cifar_mlp())->TIMED->Iterations(1);
BENCHMARK_CAPTURE(waiting, gpt, shakespeare_gpt())->TIMED->Iterations(1);
