#include "attacks/attack.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "attacks/campaign.hpp"
#include "attacks/loss.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;

void check_options(const AttackOptions& o) {
  require(o.steps > 0, "expected steps > 0, got {}", o.steps);
  require(o.restarts > 0, "expected restarts > 0, got {}", o.restarts);
  require(o.search >= 0, "expected search >= 0, got {}", o.search);
  require(o.batch > 0, "expected batch > 0, got {}", o.batch);
  require(std::isfinite(o.search_limit) && o.search_limit >= 0,
          "expected a finite search limit >= 0, got {}", o.search_limit);
  for (const double eps : o.eps) {
    require(std::isfinite(eps) && eps >= 0, "expected finite sizes eps >= 0, got {}", eps);
  }
}

void check_range(const char* name, const Tensor& values, int64_t end) {
  const int64_t low = values.min().item<int64_t>(), high = values.max().item<int64_t>();
  require(low >= 0 && high < end, "expected {} in [0, {}), got {} to {}", name, end, low, high);
}

void check_rows(const models::Network& network, const Rows& rows, at::Device device) {
  require(rows.input.defined() && rows.input.dim() > 0 && rows.input.size(0) > 0,
          "expected at least one row to attack");
  models::check_input(network.input, rows.input);
  for (const Tensor& t : {rows.example, rows.position, rows.label}) {
    require(t.defined() && t.dim() == 1 && t.size(0) == rows.input.size(0) &&
                t.scalar_type() == at::kLong,
            "expected an int64 example, position and label for each of {} rows",
            rows.input.size(0));
  }
  const Tensor logits = models::forward(network, rows.input.narrow(0, 0, 1).to(device));
  require(logits.dim() == 3 && logits.size(2) >= 2,
          "expected logits (batch, rows, classes) of two classes or more, got {}",
          shape_text(logits.sizes()));
  check_range("positions", rows.position, logits.size(1));
  check_range("labels", rows.label, logits.size(2));
}

// Ascending: a row that breaks needs no larger size.
void attack_fixed(Campaign& c) {
  std::vector<double> sizes = c.options.eps;
  std::sort(sizes.begin(), sizes.end());
  for (const double size : sizes) {
    if (size == 0) continue;
    c.progress.show(fmt::format("attack, {}: eps {}", models::describe(c.subject.threat), size));
    const Tensor eps = at::full_like(c.found.radius, size);
    for (int64_t r = 0; r < c.options.restarts; ++r) {
      attempt(c, c.attackable, eps, {.aim = r - 1, .counter = static_cast<uint64_t>(r)});
    }
  }
}

std::map<std::string, std::string> provenance(const Campaign& c) {
  const AttackOptions& o = c.options;
  std::map<std::string, std::string> out = {{"threat", models::describe(c.subject.threat)},
                                            {"loss", loss_name(o.loss)},
                                            {"steps", std::to_string(o.steps)},
                                            {"restarts", std::to_string(o.restarts)},
                                            {"search", std::to_string(o.search)},
                                            {"seed", std::to_string(o.seed)}};
  if (o.search_limit > 0) out["search_limit"] = fmt::format("{}", o.search_limit);
  if (interrupted()) out["stopped"] = "interrupted before the end";
  return out;
}

double embedding_rms(const models::Network& network) {
  if (network.input.kind == models::InputKind::pixels) return 0;
  const Tensor& table = std::get<models::Embedding>(network.layers.front().kind).table;
  return std::sqrt(table.to(at::kDouble).square().mean().item<double>());
}

AttackResult result_of(const Campaign& c) {
  AttackResult result;
  result.threat = c.subject.threat;
  result.eps = c.options.eps;
  result.example = c.rows.example;
  result.position = c.rows.position;
  result.label = c.rows.label;
  result.prediction = c.prediction;
  const Tensor eps = at::tensor(c.options.eps, at::kDouble).unsqueeze(1);
  result.success = c.found.radius.unsqueeze(0) <= eps;
  result.radius = c.found.radius;
  result.radius_confirmed = c.confirmed.radius;
  result.adversarial = c.found.adversarial;
  result.adversarial_confirmed = c.confirmed.adversarial;
  result.embedding_rms = embedding_rms(c.subject.deployed);
  result.gradients = c.gradients;
  result.provenance = provenance(c);
  return result;
}

}  // namespace

AttackResult attack(const models::Network& network, const Rows& rows, const models::Threat& threat,
                    const AttackOptions& options) {
  const c10::NoGradGuard no_grad;
  const Stopwatch watch;
  check_options(options);
  Subject subject = make_subject(network, threat);
  check_rows(subject.deployed, rows, subject.device);
  const Rows on_cpu{rows.input.cpu(), rows.example.cpu(), rows.position.cpu(), rows.label.cpu()};
  Campaign campaign{.subject = std::move(subject), .rows = on_cpu, .options = options};
  prepare(campaign);
  attack_fixed(campaign);
  if (options.search > 0) search_radius(campaign);
  verify_all(campaign);
  AttackResult result = result_of(campaign);
  result.seconds = watch.seconds();
  return result;
}

}  // namespace taut::attacks
