#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/autograd/autograd.h>

#include "attacks/attacks.hpp"
#include "certify/certify.hpp"
#include "src/core/core.hpp"
#include "src/train/state.hpp"
#include "src/train/step.hpp"

// What the four verbs cost on the digits ViT (width 64, 2 blocks, 16 tokens), each beside what it
// cannot do without: the baseline's step, a forward pass, a gradient.
namespace {

using namespace taut;

constexpr int64_t kRows = 256;

// Images of the right shape; the cost of a step does not depend on what they show.
data::Dataset images() {
  data::Dataset d;
  d.name = "bench";
  d.input.channels = 1;
  d.input.height = d.input.width = 8;
  d.classes = 10;
  at::Generator g = make_generator(1);
  d.train.values = at::randint(0, 256, {2000, 1, 8, 8}, g, at::kByte);
  d.train.labels = at::randint(0, 10, {2000}, g, at::kLong);
  d.validation = d.train;
  return d;
}

train::TrainOptions options(bool constrained) {
  train::TrainOptions o;
  o.steps = 1000000;
  if (!constrained) {
    o.model.style = "standard";
    o.optimizer.name = "adamw";
    o.optimizer.lr = 0.001;
    o.constraint.name = "none";
  }
  return o;
}

void train_step(benchmark::State& state, bool constrained) {
  const data::Dataset dataset = images();
  const train::TrainOptions o = options(constrained);
  train::State run = train::fresh_state(o, dataset);
  data::Order order = train::order_of(o, dataset);
  for (int i = 0; i < 3; ++i) train::advance(run, dataset, order, o);
  for (auto _ : state) train::advance(run, dataset, order, o);
}

models::Network network() {
  return models::build(options(true).model, images().input, 10, make_generator(2));
}

at::Tensor inputs() {
  const data::Dataset d = images();
  return data::gather(d, d.validation, at::arange(kRows, at::kLong)).input;
}

void forward(benchmark::State& state) {
  const at::NoGradGuard no_grad;
  const models::Network n = network();
  const at::Tensor x = inputs();
  for (auto _ : state) benchmark::DoNotOptimize(models::forward(n, x));
}

void certify_rows(benchmark::State& state) {
  const models::Network n = network();
  const at::Tensor x = inputs(), label = at::zeros({kRows, 1}, at::kLong);
  const models::Threat l2 = models::parse_threat("l2", n.input);
  for (auto _ : state) benchmark::DoNotOptimize(certify::certify(n, x, label, {l2}, {}));
}

void gradients(benchmark::State& state) {
  const models::Network n = network();
  const at::Tensor x = inputs();
  for (auto _ : state) {
    for (int step = 0; step < 10; ++step) {
      const at::Tensor leaf = x.detach().clone().requires_grad_(true);
      const at::Tensor loss = models::forward(n, leaf).logsumexp(-1).sum();
      benchmark::DoNotOptimize(torch::autograd::grad({loss}, {leaf}));
    }
  }
}

// Ten PGD steps at one size, projection, best iterate and verification included.
void pgd(benchmark::State& state) {
  const models::Network n = network();
  const at::Tensor x = inputs();
  at::Tensor label;
  {
    const at::NoGradGuard no_grad;
    label = models::forward(n, x).argmax(-1).flatten();
  }
  const at::Tensor index = at::arange(kRows, at::kLong);
  const attacks::Rows rows{x, index, at::zeros_like(index), label};
  attacks::AttackOptions o;
  o.eps = {1e-4};  // too small to succeed: every row runs to the end
  o.steps = 10;
  o.search = 0;
  const models::Threat l2 = models::parse_threat("l2", n.input);
  for (auto _ : state) benchmark::DoNotOptimize(attacks::attack(n, rows, l2, o));
}

}  // namespace

BENCHMARK_CAPTURE(train_step, constrained, true)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train_step, baseline, false)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(certify_rows)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(forward)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(pgd)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(gradients)->Unit(benchmark::kMillisecond)->UseRealTime();
