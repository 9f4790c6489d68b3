#include "attacks/campaign.hpp"

#include <ATen/ATen.h>

#include <functional>
#include <limits>

#include "attacks/draws.hpp"
#include "attacks/loss.hpp"
#include "attacks/verify.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kShrinks = 8;  // halvings on the segment between an adversarial and its clean input

void for_chunks(const Tensor& index, int64_t size, const std::function<void(const Tensor&)>& body) {
  for (int64_t first = 0; first < index.size(0); first += size) {
    body(index.narrow(0, first, std::min(size, index.size(0) - first)));
  }
}

Tensor all_rows(const Campaign& c) { return at::arange(c.rows.label.size(0), at::kLong); }

Tensor keys(const Campaign& c, const Tensor& index, uint64_t counter) {
  return row_keys(c.options.seed, c.rows.example.index_select(0, index),
                  c.rows.position.index_select(0, index), counter)
      .to(c.subject.device);
}

// The tokens that may move: one_token's choice, or those that a causal network can see.
Tensor movable(const Campaign& c, const Tensor& index, const Tensor& warm, const Rows& rows,
               const Attempt& how) {
  const at::Device device = c.subject.device;
  if (rows.input.dim() != 2) return {};
  const Tensor token = at::arange(rows.input.size(1), at::TensorOptions(at::kLong).device(device));
  if (c.subject.threat.norm == models::Norm::one_token) {
    const int64_t aim = std::max<int64_t>(how.aim, 0) % c.aims.token.size(1);
    Tensor chosen = c.aims.token.select(1, aim).index_select(0, index).to(device);
    if (warm.defined()) {
      const Tensor sizes = warm.square().sum(-1);
      chosen = at::where(sizes.amax(1) > 0, sizes.argmax(1), chosen);
    }
    return (token == chosen.unsqueeze(1)).to(at::kFloat).unsqueeze(-1);
  }
  if (!c.subject.causal) return {};
  return (token <= rows.position.unsqueeze(1)).to(at::kFloat).unsqueeze(-1);
}

Job make_job(const Campaign& c, const Tensor& index, const Rows& rows, const Tensor& eps,
             const Attempt& how) {
  const at::Device device = c.subject.device;
  const Tensor clean = models::injection(c.subject.deployed, rows.input);
  Tensor warm;
  if (how.warm) warm = c.found.adversarial.index_select(0, index).to(device) - clean;
  Job job;
  job.ball = {c.subject.threat, clean, eps.index_select(0, index).to(device),
              movable(c, index, warm, rows, how)};
  job.position = rows.position;
  job.label = rows.label;
  job.target = at::full_like(rows.label, -1);
  if (how.aim >= 0) {
    const int64_t aim = how.aim % c.aims.target.size(1);
    job.target = c.aims.target.select(1, aim).index_select(0, index).to(device);
  }
  job.key = keys(c, index, how.counter);
  job.delta = how.warm ? warm : random_point(job.ball, job.key) * how.spread;
  return job;
}

// Keeps what is smaller, of the rows where `holds`.
void improve(Best& best, const Tensor& index, const Tensor& holds, const Tensor& size,
             const Tensor& adversarial) {
  const Tensor smaller = holds.logical_and(size < best.radius.index_select(0, index));
  const Tensor better = smaller.nonzero().flatten(), to = index.index_select(0, better);
  best.radius.index_copy_(0, to, size.index_select(0, better));
  best.adversarial.index_copy_(0, to, adversarial.index_select(0, better));
}

void consider(Campaign& c, const Tensor& index, const Rows& rows, const Tensor& adversarial) {
  const Verdict v = verify(c.subject, rows, adversarial, kSlack);
  const Tensor size = v.size.cpu(), stored = adversarial.cpu();
  improve(c.found, index, v.fooled.cpu(), size, stored);
  improve(c.confirmed, index, v.confirmed.cpu(), size, stored);
}

// The nearest point to clean on the segment that still fools the deployed program.
Tensor shrunk(const Campaign& c, const Rows& rows, const Ball& ball, const Tensor& delta) {
  Tensor low = at::zeros({delta.size(0)}, delta.options()), high = at::ones_like(low);
  for (int i = 0; i < kShrinks; ++i) {
    const Tensor middle = (low + high) / 2;
    const Tensor moved = settle(ball, delta * per_row(middle, delta));
    const Tensor fooled =
        misclassified(row_logits(c.subject.deployed, moved, rows.position), rows.label, kSlack);
    high = at::where(fooled, middle, high);
    low = at::where(fooled, low, middle);
  }
  return settle(ball, delta * per_row(high, delta));
}

void attempt_chunk(Campaign& c, const Tensor& index, const Tensor& eps, const Attempt& how) {
  const Rows rows = select(c.rows, index, c.subject.device);
  const Job job = make_job(c, index, rows, eps, how);
  const Ascent ascent = pgd(c.subject, job, c.options.loss, c.options.steps, interrupted);
  c.gradients += ascent.gradients;
  const Tensor hit = ascent.fooled.nonzero().flatten();
  if (hit.size(0) == 0) return;
  const auto pick = [&](const Tensor& t) { return t.index_select(0, hit); };
  const Ball ball{job.ball.threat, pick(job.ball.clean), pick(job.ball.eps), {}};
  const Tensor delta = pick(ascent.delta), hit_index = index.index_select(0, hit.cpu());
  const Rows hit_rows = select(rows, hit, c.subject.device);
  consider(c, hit_index, hit_rows, settle(ball, delta));
  if (c.options.search > 0) consider(c, hit_index, hit_rows, shrunk(c, hit_rows, ball, delta));
}

void append(Aims& aims, const Aims& chunk) {
  const auto extend = [](Tensor& all, const Tensor& more) {
    if (more.defined()) all = all.defined() ? at::cat({all, more.cpu()}) : more.cpu();
  };
  extend(aims.target, chunk.target);
  extend(aims.token, chunk.token);
  extend(aims.distance, chunk.distance);
  aims.gradients += chunk.gradients;
}

void require_numbers(const Rows& rows, const Tensor& margin) {
  const Tensor bad = margin.isnan().nonzero().flatten().cpu();
  if (bad.size(0) == 0) return;
  fail("the logits of example {}, position {} are not numbers",
       rows.example.cpu()[bad[0].item<int64_t>()].item<int64_t>(),
       rows.position.cpu()[bad[0].item<int64_t>()].item<int64_t>());
}

void require_inside(const models::Threat& threat, const Tensor& clean) {
  if (!threat.box) return;
  const double low = clean.min().item<double>(), high = clean.max().item<double>();
  require(low >= threat.box->low && high <= threat.box->high,
          "expected clean inputs inside the threat's box [{}, {}], got values from {} to {}",
          threat.box->low, threat.box->high, low, high);
}

}  // namespace

void prepare(Campaign& c) {
  const bool one_token = c.subject.threat.norm == models::Norm::one_token;
  const bool aim = c.options.search > 0 || c.options.restarts > 1 || one_token;
  std::vector<Tensor> clean, prediction, attackable, confirmed;
  for_chunks(all_rows(c), c.options.batch, [&](const Tensor& index) {
    const Rows rows = select(c.rows, index, c.subject.device);
    clean.push_back(models::injection(c.subject.deployed, rows.input).cpu());
    require_inside(c.subject.threat, clean.back());
    const Verdict v = verify(c.subject, rows, clean.back().to(c.subject.device), /*slack=*/0);
    require_numbers(rows, v.margin);
    prediction.push_back(v.prediction.cpu());
    attackable.push_back(v.fooled.logical_not().cpu());
    confirmed.push_back(v.confirmed.cpu());
    if (aim) append(c.aims, take_aim(c.subject, rows));
  });
  c.prediction = at::cat(prediction);
  c.attackable = at::cat(attackable);
  const Tensor nothing = at::full({c.prediction.size(0)}, kInfinity, at::kDouble);
  c.found = {at::cat(clean), at::where(c.attackable, nothing, 0.0)};
  c.confirmed = {c.found.adversarial.clone(), at::where(at::cat(confirmed), 0.0, nothing)};
  c.gradients = c.aims.gradients;
}

namespace {

// What the owner of a chunk found.
void share_rows(const team::Team& team, const Best& best, const Tensor& index, int owner) {
  for (const Tensor& all : {best.radius, best.adversarial}) {
    const Tensor part = all.index_select(0, index);
    team::broadcast(team, part, owner);
    if (owner != team.rank) all.index_copy_(0, index, part);
  }
}

}  // namespace

// Ranks take whole chunks: sums of others are rounded otherwise, and a search follows the last bit.
void attempt(Campaign& c, const Tensor& among, const Tensor& eps, const Attempt& how) {
  const team::Team& team = c.options.team;
  const Tensor todo =
      among.logical_and(c.attackable).logical_and(c.found.radius > eps).nonzero().flatten();
  const int64_t before = c.gradients;
  int64_t chunk = 0;
  for_chunks(todo, c.options.batch, [&](const Tensor& index) {
    const bool mine = chunk++ % team.size == team.rank;
    if (mine && !interrupted()) attempt_chunk(c, index, eps, how);
  });
  if (team.size == 1) return;
  chunk = 0;
  for_chunks(todo, c.options.batch, [&](const Tensor& index) {
    const auto owner = static_cast<int>(chunk++ % team.size);
    for (const Best* best : {&c.found, &c.confirmed}) share_rows(team, *best, index, owner);
  });
  const Tensor gradients = at::full({1}, c.gradients - before, at::kLong);
  team::sum(team, gradients);
  c.gradients = before + gradients.item<int64_t>();
}

namespace {

void verify_best(const Campaign& c, Best& best, Tensor Verdict::*holds) {
  const Tensor found = c.attackable.logical_and(best.radius.isfinite()).nonzero().flatten();
  for_chunks(found, c.options.batch, [&](const Tensor& index) {
    const Rows rows = select(c.rows, index, c.subject.device);
    const Tensor stored = best.adversarial.index_select(0, index).to(c.subject.device);
    const Verdict v = verify(c.subject, rows, stored, /*slack=*/0);
    const Tensor fooled = v.*holds, clean = models::injection(c.subject.deployed, rows.input);
    best.radius.index_copy_(0, index, at::where(fooled, v.size, kInfinity).cpu());
    best.adversarial.index_copy_(0, index, at::where(per_row(fooled, clean), stored, clean).cpu());
  });
}

}  // namespace

void verify_all(Campaign& c) {
  verify_best(c, c.found, &Verdict::fooled);
  verify_best(c, c.confirmed, &Verdict::confirmed);
  // What fp64 confirms fools fp32 too: where the smaller find was given up, this one is left.
  improve(c.found, all_rows(c), c.confirmed.radius.isfinite(), c.confirmed.radius,
          c.confirmed.adversarial);
}

}  // namespace taut::attacks
