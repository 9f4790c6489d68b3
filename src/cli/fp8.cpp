#include "src/cli/fp8.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "certify/certify.hpp"
#include "models/activations.hpp"
#include "models/fp8.hpp"
#include "src/cli/json_number.hpp"
#include "src/core/core.hpp"
#include "src/report/format.hpp"
#include "src/report/table.hpp"

namespace taut::cli {
namespace {

constexpr int64_t kImages = 64, kTokens = 4096;  // at once: logits of a large vocabulary are large

int64_t batch_of(const models::InputSpec& input) {
  return input.kind == models::InputKind::pixels ? kImages
                                                 : std::max<int64_t>(1, kTokens / input.context);
}

// Of every layer, in the order of the forward pass.
using Ranges = std::vector<double>;

Ranges certified_ranges(const models::Network& network) {
  const models::Threat threat =
      models::parse_threat(models::threat_names(network.input).front(), network.input);
  Ranges ranges;
  for (const certify::Upper& size :
       certify::token_norms(network, certify::Norms(network), threat)) {
    ranges.push_back(size.value());
  }
  return ranges;
}

Ranges observed_ranges(const models::Network& network, const at::Tensor& input) {
  Ranges ranges;
  for (const auto& layer : models::activation_ranges(network, input, batch_of(network.input))) {
    if (layer.watched) ranges.push_back(layer.largest);
  }
  return ranges;
}

struct Arithmetic {
  const char* name;
  const models::Network& network;
  Ranges ranges;  // empty: activations stay as they are
  Fp8Row row{};

  bool bounded() const {
    return std::all_of(ranges.begin(), ranges.end(), [](double r) { return std::isfinite(r); });
  }
  at::Tensor logits(const at::Tensor& input) const {
    size_t at = 0;
    return models::forward_watched(
        network, input, [&](const models::Layer&, const at::Tensor& out) {
          return ranges.empty() ? out : models::as_e4m3(out, ranges[at++]);
        });
  }
};

int64_t count(const at::Tensor& truths) { return truths.sum().item<int64_t>(); }

// Logits may all be 0.
double over(double error, double largest) { return error == 0 ? 0 : error / largest; }

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

}  // namespace

std::vector<Fp8Row> fp8_rows(const models::Network& network, const Examples& examples) {
  const at::NoGradGuard no_grad;
  const models::Network rounded = models::with_e4m3_weights(network);
  std::vector<Arithmetic> all = {
      {"fp32", network, {}},
      {"e4m3 weights", rounded, {}},
      {"e4m3 weights and activations, certified ranges", rounded, certified_ranges(rounded)},
      {"e4m3 weights and activations, observed ranges", rounded,
       observed_ranges(rounded, examples.input)}};
  double largest = 0;
  const int64_t batch = batch_of(network.input);
  for (int64_t start = 0; start < examples.input.size(0); start += batch) {
    const int64_t some = std::min(batch, examples.input.size(0) - start);
    const at::Tensor input = examples.input.narrow(0, start, some);
    const at::Tensor label = examples.label.narrow(0, start, some);
    const at::Tensor exact = all.front().logits(input);
    largest = std::max(largest, exact.abs().max().item<double>());
    for (Arithmetic& a : all) {
      a.row.bounded = a.bounded();
      if (!a.row.bounded) continue;
      const at::Tensor logits = a.logits(input), chosen = logits.argmax(-1);
      a.row.accuracy += static_cast<double>(count(chosen == label));
      a.row.changed += static_cast<double>(count(chosen != exact.argmax(-1)));
      a.row.error = std::max(a.row.error, (logits - exact).abs().max().item<double>());
    }
  }
  std::vector<Fp8Row> rows;
  for (Arithmetic& a : all) {
    const auto labels = static_cast<double>(examples.label.numel());
    rows.push_back({a.name, a.row.bounded, a.row.accuracy / labels, a.row.changed / labels,
                    a.row.error, over(a.row.error, largest)});
  }
  return rows;
}

std::string fp8_text(const std::vector<Fp8Row>& rows) {
  report::Table table{{"arithmetic", "accuracy", "changed", "largest logit error", "of logits"},
                      {}};
  for (const Fp8Row& r : rows) {
    if (r.bounded) {
      table.rows.push_back({r.arithmetic, percent(r.accuracy), percent(r.changed),
                            report::number(r.error, report::Round::up), percent(r.relative)});
    } else {
      table.rows.push_back({r.arithmetic, "no finite range"});
    }
  }
  return report::to_text(table);
}

std::string fp8_json(const std::vector<Fp8Row>& rows) {
  nlohmann::json all = nlohmann::json::array();
  for (const Fp8Row& r : rows) {
    nlohmann::json row = {{"arithmetic", r.arithmetic}};
    if (r.bounded) {
      row.update({{"accuracy", r.accuracy},
                  {"changed", r.changed},
                  {"largest_logit_error", json_number(r.error)},
                  {"relative_error", json_number(r.relative)}});
    }
    all.push_back(row);
  }
  return all.dump();
}

}  // namespace taut::cli
