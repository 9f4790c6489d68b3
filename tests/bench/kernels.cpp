#include "kernels/kernels.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>

#include "kernels/polar_sets.hpp"
#include "src/core/core.hpp"

// Spectral kernels beside the textbook sequence in LibTorch, at the same number of steps, dtype and
// shape. Errors are counters of the same run.
namespace {

using namespace taut;
using at::Tensor;

Tensor normal(at::IntArrayRef shape, double scale = 1) {
  return at::randn(shape, make_generator(7), at::kFloat) * scale;
}

// Singular values up to 1.04 times the limit of 1: what a step makes of capped weights.
Tensor stepped(at::IntArrayRef shape) {
  const at::NoGradGuard no_grad;
  const Tensor capped = kernels::orthogonalize(normal(shape));
  const Tensor step = kernels::orthogonalize(at::randn(shape, make_generator(8), at::kFloat));
  return capped + 0.04 * step;
}

const std::vector<kernels::Quintic>& steps() {
  static const auto all = kernels::polar_steps(kernels::PolarSet::modula6);
  return all;
}

Tensor textbook_polar(Tensor x) {
  const bool tall = x.size(-2) > x.size(-1);
  if (tall) x = x.mT();
  x = x / at::linalg_vector_norm(x, 2, at::IntArrayRef{-2, -1}, true);
  for (const kernels::Quintic& s : steps()) {
    const Tensor a = at::matmul(x, x.mT());
    const Tensor b = s.b * a + s.c * at::matmul(a, a);
    x = s.a * x + at::matmul(b, x);
  }
  return tall ? x.mT() : x;
}

// p2(p1(X)) with the Gram matrix on the left.
Tensor textbook_soft_cap(Tensor x, double alpha) {
  x = x - alpha * at::matmul(at::matmul(x, x.mT()), x);
  return x + alpha * at::matmul(at::matmul(x, x.mT()), x);
}

Tensor svd_clip(const Tensor& x) {
  const auto [u, s, vt] = at::linalg_svd(x, /*full_matrices=*/false);
  return at::matmul(u * s.clamp_max(1).unsqueeze(-2), vt);
}

double difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

void polar_ours(benchmark::State& state, std::vector<int64_t> shape) {
  const at::NoGradGuard no_grad;
  const Tensor x = normal(shape);
  kernels::Workspace workspace;
  const auto call = [&] {
    return kernels::orthogonalize(x, {}, kernels::PolarForm::automatic, &workspace);
  };
  call();
  for (auto _ : state) benchmark::DoNotOptimize(call());
}

void polar_textbook(benchmark::State& state, std::vector<int64_t> shape) {
  const at::NoGradGuard no_grad;
  const Tensor x = normal(shape);
  for (auto _ : state) benchmark::DoNotOptimize(textbook_polar(x));
}

constexpr double kAlpha = 0.1224;  // w_max 1, rate .05

void soft_cap_ours(benchmark::State& state) {
  const at::NoGradGuard no_grad;
  const Tensor x = stepped({768, 3072});
  kernels::Workspace workspace;
  state.counters["error"] = difference(kernels::soft_cap(x, kAlpha), textbook_soft_cap(x, kAlpha));
  for (auto _ : state) benchmark::DoNotOptimize(kernels::soft_cap(x, kAlpha, &workspace));
}

void soft_cap_textbook(benchmark::State& state, bool long_side) {
  const at::NoGradGuard no_grad;
  const Tensor x = long_side ? stepped({768, 3072}).mT().contiguous() : stepped({768, 3072});
  for (auto _ : state) benchmark::DoNotOptimize(textbook_soft_cap(x, kAlpha));
}

void hard_cap_ours(benchmark::State& state, kernels::HardCap method) {
  const at::NoGradGuard no_grad;
  const Tensor x = stepped({12, 768, 768});
  kernels::Workspace workspace;
  const auto call = [&] { return kernels::hard_cap_by(method, x, 1, &workspace); };
  state.counters["error"] = difference(call(), svd_clip(x));
  for (auto _ : state) benchmark::DoNotOptimize(call());
}

void hard_cap_svd(benchmark::State& state) {
  const at::NoGradGuard no_grad;
  const Tensor x = stepped({12, 768, 768});
  for (auto _ : state) benchmark::DoNotOptimize(svd_clip(x));
}

Tensor weight(int64_t rows, int64_t columns) {
  return kernels::orthogonalize(normal({rows, columns})).contiguous();
}

void sigma_certified(benchmark::State& state, int64_t rows, int64_t columns) {
  const at::NoGradGuard no_grad;
  const Tensor x = weight(rows, columns);
  double excess = 0;
  for (auto _ : state) {
    const kernels::Interval sigma = kernels::certified_sigma(x).front();
    excess = sigma.upper / sigma.lower - 1;  // at least that over the true value
  }
  state.counters["error"] = excess;
}

void sigma_svdvals(benchmark::State& state, int64_t rows, int64_t columns) {
  const at::NoGradGuard no_grad;
  const Tensor x = weight(rows, columns).to(at::kDouble);
  for (auto _ : state) benchmark::DoNotOptimize(at::linalg_svdvals(x));
}

void product(benchmark::State& state, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const Tensor x = normal({12, 768, 768}).to(dtype);
  for (auto _ : state) benchmark::DoNotOptimize(at::bmm(x, x.mT()));
}

using Shape = std::vector<int64_t>;

}  // namespace

#define TIMED Unit(benchmark::kMillisecond)->UseRealTime()
BENCHMARK_CAPTURE(polar_ours, square, Shape{12, 768, 768})->TIMED;
BENCHMARK_CAPTURE(polar_textbook, square, Shape{12, 768, 768})->TIMED;
BENCHMARK_CAPTURE(polar_ours, wide, Shape{256, 3072})->TIMED;
BENCHMARK_CAPTURE(polar_textbook, wide, Shape{256, 3072})->TIMED;
BENCHMARK_CAPTURE(polar_ours, mlp, Shape{768, 3072})->TIMED;
BENCHMARK_CAPTURE(polar_textbook, mlp, Shape{768, 3072})->TIMED;
BENCHMARK(soft_cap_ours)->TIMED;
BENCHMARK_CAPTURE(soft_cap_textbook, long_side, true)->TIMED;
BENCHMARK_CAPTURE(soft_cap_textbook, short_side, false)->TIMED;
BENCHMARK_CAPTURE(hard_cap_ours, eigenvectors, kernels::HardCap::eigen)->TIMED;
BENCHMARK_CAPTURE(hard_cap_ours, products, kernels::HardCap::bounded)->TIMED;
BENCHMARK(hard_cap_svd)->TIMED->Iterations(1);
BENCHMARK_CAPTURE(sigma_certified, square, 768, 768)->TIMED;
BENCHMARK_CAPTURE(sigma_svdvals, square, 768, 768)->TIMED;
BENCHMARK_CAPTURE(sigma_certified, table, 50304, 768)->TIMED;
BENCHMARK_CAPTURE(sigma_svdvals, table, 50304, 768)->TIMED->Iterations(1);
BENCHMARK_CAPTURE(product, fp32, at::kFloat)->TIMED;
BENCHMARK_CAPTURE(product, bf16, at::kBFloat16)->TIMED;
