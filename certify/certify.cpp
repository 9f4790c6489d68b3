#include "certify/certify.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <set>

#include "certify/evaluate.hpp"
#include "certify/radius.hpp"
#include "src/core/core.hpp"

namespace taut::certify {
namespace {

using namespace models;

struct Logits {
  at::Tensor values;  // (rows, classes) double
  Upper error;
};

// Batches in a row and who takes each: whole ones, since sums of others are rounded otherwise.
template <class Work>
void for_batches(int64_t examples, int64_t batch, const team::Team& team, const Work& work) {
  for (int64_t i = 0; i * batch < examples; ++i) {
    work(i * batch, std::min(batch, examples - i * batch), static_cast<int>(i % team.size));
  }
}

// `rows` of logits for each example.
Logits evaluate_all(const Network& network, const Norms& norms, const at::Tensor& input,
                    int64_t rows, const CertifyOptions& options) {
  const team::Team& team = options.team;
  const int64_t classes = head_of(network).weight.size(0);
  const at::Tensor values = at::empty({input.size(0) * rows, classes}, at::kDouble);
  const at::Tensor errors = at::zeros({team.size}, at::kDouble);
  double largest = 0;
  for_batches(input.size(0), options.batch, team, [&](int64_t first, int64_t count, int owner) {
    if (owner != team.rank) return;
    const at::Tensor part = input.narrow(0, first, count);
    check_input(network.input, part);
    const Evaluated e = evaluate(network, norms, part);
    const at::Tensor logits = e.logits.flatten(0, 1);
    require(logits.size(0) == count * rows, "expected {} labels an example, got {}",
            logits.size(0) / count, rows);
    values.narrow(0, first * rows, count * rows).copy_(logits);
    largest = std::max(largest, e.error.value());
  });
  for_batches(input.size(0), options.batch, team, [&](int64_t first, int64_t count, int owner) {
    team::broadcast(team, values.narrow(0, first * rows, count * rows), owner);
  });
  errors[team.rank] = largest;
  team::sum(team, errors);
  return {values, Upper(errors.max().item<double>())};
}

// How far apart two real logits must lie for the fp32 program to rank them alike; sqrt(2) as in
// margins_below. gain tanh on [-Z, Z] has slope gain / cosh(Z)^2 at least: capped logits lie closer
// by as much.
Upper allowance(const Network& network, const Ends& ends) {
  const Upper apart = Upper(1.41421357) * ends.output.error;
  const Activation* cap = logit_cap(network);
  if (cap == nullptr) return apart;
  const Upper cosh = (exp(ends.logits.size) + Upper(1)) / 2;
  return apart * square(cosh) / cap->gain;
}

Promise promise(const Network& network, const Norms& norms, const Threat& threat, double eps,
                bool deployed) {
  const Ends ends = propagate(network, norms, threat, eps, kFloat32);
  return {eps, ends.hidden.max, deployed ? allowance(network, ends) : Upper()};
}

// A box, or a norm that no eps changes, needs one promise for all radii. Otherwise token norms grow
// with the perturbation: promises at eps in steps of half a percent, from the largest radius that
// the bound at 0 could give down to where the bound no longer moves.
std::vector<Promise> promises(const Network& network, const Norms& norms, const Threat& threat,
                              double largest_gap, bool deployed) {
  constexpr double kStep = 1.005, kSettled = 1.0005;
  const double infinity = std::numeric_limits<double>::infinity();
  const Promise at_zero = promise(network, norms, threat, 0, deployed);
  if (threat.box) return {{infinity, at_zero.constant, at_zero.allowance}};
  if (!at_zero.constant.finite()) return {};
  const double longest = 1e6;  // no threat of interest moves a token further
  double eps = std::min(longest, largest_gap / std::max(at_zero.constant.value(), 1e-300));
  std::vector<Promise> grid;
  while (eps > 0) {
    grid.push_back(promise(network, norms, threat, eps, deployed));
    if (grid.back().constant.finite() &&
        grid.back().constant.value() <= kSettled * at_zero.constant.value()) {
      break;
    }
    eps /= grid.back().constant.finite() ? kStep : 2;
  }
  return grid;
}

// Largest margin_j / distance_j over the rows: no radius is above it over K.
double largest_gap(const at::Tensor& margins, const at::Tensor& distances) {
  const at::Tensor gaps = (margins / distances.unsqueeze(0)).amin(1).nan_to_num(0.0, 1e300, 0.0);
  return gaps.numel() == 0 ? 0 : gaps.max().item<double>();
}

class Rows {
 public:
  Rows(const Network& network, const Logits& logits) : prediction_(logits.values.argmax(1)) {
    const at::Tensor flat = prediction_.contiguous();
    std::set<int64_t> winners(flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel());
    for (const int64_t winner : winners) {
      const at::Tensor index = (prediction_ == winner).nonzero().flatten();
      groups_.push_back({index,
                         margins_below(logits.values.index_select(0, index), winner, logits.error),
                         row_distances(head_of(network), winner)});
    }
  }

  at::Tensor prediction() const { return prediction_; }

  at::Tensor margin() const {
    return gather([](const Group& g) { return g.margins.amin(1); });
  }

  at::Tensor radius(const Network& network, const Norms& norms, const Threat& threat,
                    bool deployed) const {
    double gap = 0;
    for (const Group& g : groups_) gap = std::max(gap, largest_gap(g.margins, g.distances));
    const std::vector<Promise> grid = promises(network, norms, threat, gap, deployed);
    return gather([&](const Group& g) { return radii(g.margins, g.distances, grid); });
  }

 private:
  struct Group {
    at::Tensor index;      // rows whose prediction is the same
    at::Tensor margins;    // (rows of the group, classes)
    at::Tensor distances;  // (classes)
  };

  template <class F>
  at::Tensor gather(F&& of) const {
    at::Tensor all = at::zeros({prediction_.size(0)}, at::kDouble);
    for (const Group& g : groups_) all.index_copy_(0, g.index, of(g));
    return all;
  }

  at::Tensor prediction_;
  std::vector<Group> groups_;
};

std::vector<WeightBound> weight_bounds(const Norms& norms) {
  std::vector<WeightBound> bounds;
  for (const TensorNorms& tensor : norms.all()) {
    for (size_t i = 0; i < tensor.sigma.size(); ++i) {
      bounds.push_back(
          {tensor.path, static_cast<int64_t>(i), tensor.sigma[i].lower, tensor.sigma[i].upper});
    }
  }
  return bounds;
}

}  // namespace

Certificate certify(const Network& network, const at::Tensor& input, const at::Tensor& label,
                    const std::vector<Threat>& threats, const CertifyOptions& options) {
  models::check(network);
  const Stopwatch watch;
  Certificate c = certify(network, Norms(network), input, label, threats, options);
  c.seconds = watch.seconds();
  return c;
}

Certificate certify(const Network& network, const Norms& norms, const at::Tensor& input,
                    const at::Tensor& label, const std::vector<Threat>& threats,
                    const CertifyOptions& options) {
  const at::NoGradGuard no_grad;
  require(input.size(0) > 0, "no examples to certify");
  require(!input.is_floating_point() || input.scalar_type() == at::kFloat,
          "expected fp32 pixels: rounding an input to fp32 is not part of the certificate");
  const Stopwatch watch;
  require(label.dim() == 2 && label.size(0) > 0 && label.size(0) == input.size(0),
          "expected labels of {} examples, got {}", input.size(0), shape_text(label.sizes()));
  const Logits logits = evaluate_all(network, norms, input, label.size(1), options);
  const Rows rows(network, logits);
  Certificate c;
  c.weights = weight_bounds(norms);
  const int64_t positions = label.size(1);
  const at::Tensor index = at::arange(label.numel(), at::kLong);
  c.example = index.div(positions, "floor");
  c.position = index.remainder(positions);
  c.label = label.flatten().clone();
  c.prediction = rows.prediction();
  c.margin = rows.margin();
  c.embedding_rms = embedding_rms(network);
  for (const Threat& threat : threats) {
    const Ends ends = propagate(network, norms, threat, 0, kFloat32);
    c.threats.push_back({threat, ends.hidden.max.value(), ends.hidden.max.log10(),
                         ends.output.max.value(),
                         rows.radius(network, norms, threat, /*deployed=*/false),
                         rows.radius(network, norms, threat, /*deployed=*/true)});
    // The rules speak of a program whose weights are fp32 as they are stored.
    if (dtype_of(network) != at::kFloat) c.threats.back().radius_deployed.zero_();
  }
  require_kept(network, input, c, options.batch, options.team);
  c.seconds = watch.seconds();
  return c;
}

void require_kept(const Network& network, const at::Tensor& input, const Certificate& c,
                  int64_t batch, const team::Team& team) {
  const at::NoGradGuard no_grad;
  at::Tensor promised = at::zeros({c.prediction.size(0)}, at::kBool);
  for (const ThreatCertificate& t : c.threats) promised.logical_or_(t.radius_deployed > 0);
  if (!promised.any().item<bool>()) return;
  const at::Tensor seen = c.prediction.clone();
  const int64_t rows = seen.size(0) / input.size(0);
  for_batches(input.size(0), batch, team, [&](int64_t first, int64_t count, int owner) {
    if (owner != team.rank) return;
    seen.narrow(0, first * rows, count * rows)
        .copy_(forward(network, input.narrow(0, first, count)).flatten(0, 1).argmax(1));
  });
  // All refuse it or none: the first rank must not save what another has seen to be wrong.
  for_batches(input.size(0), batch, team, [&](int64_t first, int64_t count, int owner) {
    team::broadcast(team, seen.narrow(0, first * rows, count * rows), owner);
  });
  const at::Tensor broken = promised.logical_and(seen != c.prediction).nonzero();
  if (broken.numel() == 0) return;
  fail(
      "the certificate of row {} is wrong: the fp32 program predicts otherwise without any "
      "perturbation; please report this network",
      broken[0].item<int64_t>());
}

double log10_constant(const Network& network, const Threat& threat) {
  const at::NoGradGuard no_grad;
  models::check(network);
  return log10_constant(network, Norms(network), threat);
}

double log10_constant(const Network& network, const Norms& norms, const Threat& threat) {
  return propagate(network, norms, threat, 0, kFloat32).hidden.max.log10();
}

double embedding_rms(const Network& network) {
  if (network.input.kind != InputKind::tokens) return 0;
  const auto& table = std::get<Embedding>(network.layers.front().kind).table;
  return table.detach().to(at::kDouble).square().mean().sqrt().item<double>();
}

}  // namespace taut::certify
