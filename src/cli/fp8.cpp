#include "src/cli/fp8.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "certify/certify.hpp"
#include "models/activations.hpp"
#include "models/fp8.hpp"
#include "src/core/core.hpp"
#include "src/report/format.hpp"

namespace taut::cli {
namespace {

constexpr int64_t kBatch = 64;  // examples

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
  for (const auto& layer : models::activation_ranges(network, input, kBatch)) {
    ranges.push_back(layer.largest);
  }
  return ranges;
}

// Logits, batch by batch; without ranges activations stay as they are.
at::Tensor logits_of(const models::Network& network, const at::Tensor& input,
                     const Ranges& ranges) {
  std::vector<at::Tensor> parts;
  for (int64_t start = 0; start < input.size(0); start += kBatch) {
    size_t at = 0;
    const at::Tensor part = input.narrow(0, start, std::min(kBatch, input.size(0) - start));
    parts.push_back(
        models::forward_watched(network, part, [&](const models::Layer&, const at::Tensor& out) {
          return ranges.empty() ? out : models::as_e4m3(out, ranges[at++]);
        }));
  }
  return at::cat(parts);
}

struct Fares {
  double accuracy = 0, changed = 0, error = 0;
};

Fares fares(const at::Tensor& logits, const at::Tensor& exact, const at::Tensor& label) {
  const at::Tensor chosen = logits.argmax(-1);
  return {chosen.eq(label).to(at::kDouble).mean().item<double>(),
          chosen.ne(exact.argmax(-1)).to(at::kDouble).mean().item<double>(),
          (logits - exact).abs().max().item<double>()};
}

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

}  // namespace

report::Table fp8_table(const models::Network& network, const Examples& examples) {
  const at::NoGradGuard no_grad;
  const models::Network rounded = models::with_e4m3_weights(network);
  const at::Tensor exact = logits_of(network, examples.input, {});
  report::Table table{{"arithmetic", "accuracy", "changed", "largest logit error", "of logits"},
                      {}};
  const double largest = exact.abs().max().item<double>();
  const auto add = [&](const char* what, const at::Tensor& logits) {
    const Fares f = fares(logits, exact, examples.label);
    table.rows.push_back({what, percent(f.accuracy), percent(f.changed),
                          report::number(f.error, report::Round::up), percent(f.error / largest)});
  };
  add("fp32", exact);
  add("e4m3 weights", logits_of(rounded, examples.input, {}));
  const auto add_ranges = [&](const char* what, const Ranges& ranges) {
    if (std::all_of(ranges.begin(), ranges.end(), [](double r) { return std::isfinite(r); })) {
      add(what, logits_of(rounded, examples.input, ranges));
    } else {
      table.rows.push_back({what, "no finite range", "", "", ""});
    }
  };
  add_ranges("e4m3 weights and activations, certified ranges", certified_ranges(rounded));
  add_ranges("e4m3 weights and activations, observed ranges",
             observed_ranges(rounded, examples.input));
  return table;
}

}  // namespace taut::cli
