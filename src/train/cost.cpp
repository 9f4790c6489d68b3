#include "src/train/cost.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "src/train/constraint.hpp"

namespace taut::train {
namespace {

using namespace models;

// What stands at one depth of the network, and the sum so far.
struct Pass {
  const InputSpec& input;
  double batch;
  double tokens = 1;
  bool differentiated = false;  // something before this depth is trained
  PassFlops flops = {};
};

// y = W x for every token, W of e entries, B examples of t tokens: 2 B t e forward. Back, the same
// for the gradient of W, and once more for that of x, which is wanted only where something before
// is trained.
void add_product(Pass& pass, double entries) {
  const double once = 2 * pass.batch * pass.tokens * entries;
  pass.flops.forward += once;
  pass.flops.backward += pass.differentiated ? 2 * once : once;
}

double entries(const Tensor& weight) { return static_cast<double>(weight.numel()); }

void walk(Pass& pass, const Layer& layer);

void add(Pass& pass, const Embedding&) {
  pass.tokens = static_cast<double>(pass.input.context);
  pass.differentiated = true;
}
void add(Pass&, const PixelNormalize&) {}
void add(Pass& pass, const Patchify& l) {
  if (l.patch > 0)
    pass.tokens = static_cast<double>((pass.input.height / l.patch) * (pass.input.width / l.patch));
}
void add(Pass& pass, const Position&) { pass.differentiated = true; }
void add(Pass& pass, const Linear& l) {
  add_product(pass, entries(l.weight));
  pass.differentiated = true;
}
void add(Pass&, const Activation&) {}
void add(Pass&, const BallClamp&) {}
void add(Pass& pass, const Normalize&) { pass.differentiated = true; }

// Projections as above; Q K^T and P V of every head: 2 B H t^2 d_head each, and twice that back,
// since both factors depend on weights.
void add(Pass& pass, const Attention& l) {
  add_product(pass, entries(l.query) + entries(l.key) + entries(l.value));
  pass.differentiated = true;
  const auto width = static_cast<double>(l.query.size(0) * l.query.size(1));
  const double mixing = 4 * pass.batch * pass.tokens * pass.tokens * width;
  pass.flops.forward += mixing;
  pass.flops.backward += 2 * mixing;
  add_product(pass, entries(l.output));
}
void add(Pass& pass, const Residual& l) {
  for (const Layer& layer : l.branch) walk(pass, layer);
}
void add(Pass& pass, const Pool&) { pass.tokens = 1; }
void add(Pass& pass, const Prepend& l) {
  pass.tokens += static_cast<double>(l.tokens.size(0));
  pass.differentiated = true;
}
void add(Pass& pass, const Select&) { pass.tokens = 1; }
void add(Pass& pass, const TokenShift&) { pass.differentiated = true; }

void walk(Pass& pass, const Layer& layer) {
  std::visit([&](const auto& kind) { add(pass, kind); }, layer.kind);
}

int64_t bytes(const Tensor& tensor) {
  return tensor.defined() ? static_cast<int64_t>(tensor.nbytes()) : 0;
}

}  // namespace

PassFlops pass_flops(const Network& network, int64_t batch) {
  Pass pass{network.input, static_cast<double>(batch)};
  for (const Layer& layer : network.layers) walk(pass, layer);
  return pass.flops;
}

double proof_flops(const std::vector<Group>& groups, const TrainOptions& options) {
  double flops = 0;
  for (const Group& group : groups) {
    if (group.layout != Layout::matrices || std::isinf(group.cap)) continue;
    const auto matrices = static_cast<double>(group.value.size(0));
    const auto a = static_cast<double>(group.value.size(1));
    const auto b = static_cast<double>(group.value.size(2));
    const double m = std::min(a, b), n = std::max(a, b);
    Move between;
    between.certify = options.constraint.lazy;
    const bool each_step = proves_now(group.method, group.value.device(), between);
    const double share = each_step ? 1 : due_share(options);
    flops += share * matrices * (m * m * n + m * m * m / 3);
  }
  return flops;
}

double due_share(const TrainOptions& options) {
  const auto a = static_cast<double>(options.evaluate_every);
  const auto b = static_cast<double>(options.checkpoint_every);
  const auto common =
      static_cast<double>(std::gcd(options.evaluate_every, options.checkpoint_every));
  return 1 / a + 1 / b - common / (a * b);  // those of both count once
}

StoredBytes stored_bytes(const std::vector<Group>& groups) {
  StoredBytes stored;
  for (const Group& group : groups) {
    stored.weights += bytes(group.value);
    stored.optimizer += bytes(group.momentum) + bytes(group.second) + bytes(group.block);
  }
  return stored;
}

}  // namespace taut::train
