#include <ATen/ATen.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "certify/certify.hpp"
#include "certify/published.hpp"
#include "kernels/check_kernels.hpp"
#include "src/cli/checks.hpp"
#include "src/cli/config.hpp"
#include "src/cli/fp8.hpp"
#include "src/cli/json_number.hpp"
#include "src/cli/layer_costs.hpp"
#include "src/cli/rows.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"
#include "src/report/format.hpp"
#include "src/report/table.hpp"
#include "src/train/constraint.hpp"

namespace taut::cli {
namespace {

using report::Round;

struct InspectCall {
  CLI::App* command = nullptr;
  std::string run, checkpoint = "best", threat, data;
  bool json = false, print_model = false, check_kernels = false, fp8 = false;
  int64_t examples = 1000;
  WeightsOptions weights;
  PrintConfig print;
};

struct WeightLine {
  std::string name, shape, cap;
  double lower, upper, rms;  // sigma; the RMS->RMS norm at the upper end
};

std::vector<WeightLine> weight_lines(const models::Network& network, const certify::Norms& norms,
                                     const train::ConstraintOptions& constraint) {
  std::vector<WeightLine> lines;
  models::for_each_tensor(
      network, [&](const std::string& path, const at::Tensor& w, models::Role role) {
        if (!train::is_matrix(role)) return;
        const double cap = train::cap_of(role, w.sizes(), constraint);
        const char* const whose = train::fuses_heads(role, constraint) ? " (the stack)" : "";
        const double unit = train::unit_norm(w.sizes());
        const auto& intervals = norms.of(w).sigma;
        for (size_t i = 0; i < intervals.size(); ++i) {
          const std::string block = intervals.size() > 1 ? fmt::format("[{}]", i) : "";
          lines.push_back({path + block, shape_text(w.sizes().slice(w.dim() - 2)),
                           std::isfinite(cap) ? fmt::format("{:.6g}{}", cap, whose) : "none",
                           intervals[i].lower, intervals[i].upper,
                           // One step up for the quotient and the root behind the unit.
                           intervals[i].upper / unit * (1 + 0x1p-50)});
        }
      });
  return lines;
}

// log10 of K, and of what the published formula states in its place.
struct Constants {
  double proved, published;
};

void print_tables(const std::vector<LayerCost>& layers, const std::vector<WeightLine>& weights,
                  const models::Threat& threat, const Constants& log10) {
  report::Table path{{"layer", "kind", "token norm <=", "log10 bound", "adds", "share %"}, {}};
  const double total = layers.empty() ? 0 : layers.back().log10_bound;
  for (const LayerCost& l : layers) {
    const std::string share = total != 0 && std::isfinite(total)
                                  ? fmt::format("{:.1f}", 100 * l.log10_added / total)
                                  : "-";
    path.rows.push_back({l.name, l.kind, report::number(l.size, Round::up),
                         report::number(l.log10_bound, Round::up, 6),
                         fmt::format("{:+.4f}", l.log10_added), share});
  }
  report::Table table{{"weight", "shape", "sigma >=", "sigma <=", "cap", "RMS->RMS <="}, {}};
  for (const WeightLine& w : weights) {
    table.rows.push_back({w.name, w.shape, report::number(w.lower, Round::down, 9),
                          report::number(w.upper, Round::up, 9), w.cap,
                          report::number(w.rms, Round::up, 6)});
  }
  fmt::print("bound: l2 per token after each layer, per unit of the threat ({})\n{}\n{}",
             models::describe(threat), report::to_text(path), report::to_text(table));
  fmt::print("\nlog10 K, last hidden token: {}\n", report::number(log10.proved, Round::up));
  if (std::isnan(log10.published) || log10.published == log10.proved) return;
  fmt::print("by the formula of Newhouse et al. 2025, no bound for several heads: {}\n",
             report::number(log10.published));
}

void print_json(const std::vector<LayerCost>& layers, const std::vector<WeightLine>& weights,
                const models::Threat& threat, const Constants& log10) {
  nlohmann::json summary{{"threat", models::describe(threat)},
                         {"log10_constant", json_number(log10.proved)},
                         {"log10_published", json_number(log10.published)}};
  for (const LayerCost& l : layers) {
    summary["layers"].push_back({{"name", l.name},
                                 {"kind", l.kind},
                                 {"token_norm", json_number(l.size)},
                                 {"log10_bound", json_number(l.log10_bound)},
                                 {"log10_factor", json_number(l.log10_added)}});
  }
  for (const WeightLine& w : weights) {
    summary["weights"].push_back(
        {{"name", w.name}, {"sigma", {w.lower, w.upper}}, {"cap", w.cap}, {"rms", w.rms}});
  }
  fmt::print("{}\n", summary.dump());
}

// 1 when a kernel strays from its reference by more than rounding explains.
int run_check_kernels(const models::Network& network) {
  std::vector<at::Tensor> weights;
  models::for_each_tensor(network, [&](const std::string&, const at::Tensor& t, models::Role role) {
    if (train::is_matrix(role)) weights.push_back(t.detach());
  });
  const std::vector<kernels::KernelCheck> checks = kernels::check_kernels(weights);
  bool all = true;
  fmt::print("{:32} {:>12} {:>12}\n", "kernel", "difference", "allowed");
  for (const kernels::KernelCheck& c : checks) {
    all = all && c.holds();
    fmt::print("{:32} {:12.3g} {:12.3g}{}\n", c.kernel, c.difference, c.allowed,
               c.holds() ? "" : "  differs");
  }
  return all ? 0 : 1;
}

void print_fp8(const InspectCall& call, const OpenRun& run) {
  RowOptions rows;
  rows.examples = call.examples;
  rows.data = call.data;
  const Examples examples = validation_examples(run, rows);
  const std::vector<Fp8Row> fares = fp8_rows(run.checkpoint.network, examples);
  if (call.json) {
    fmt::print("{}\n", fp8_json(fares));
  } else {
    fmt::print("{}: {} examples of {}\n{}", call.run, examples.input.size(0), examples.source,
               fp8_text(fares));
  }
}

int run_inspect(const InspectCall& call) {
  if (call.print.given) {
    fmt::print("{}", print_config(*call.command));
    return 0;
  }
  require(!call.run.empty(), "expected RUN, a run directory or a .safetensors file");
  const OpenRun run = open_run(call.run, call.checkpoint, call.weights, call.data);
  const models::Network& network = run.checkpoint.network;
  if (call.print_model) {
    fmt::print("{}", run.model.empty() ? io::to_toml({models::describe(network), ""}) : run.model);
    return 0;
  }
  if (call.check_kernels) return run_check_kernels(network);
  if (call.fp8) {
    print_fp8(call, run);
    return 0;
  }
  const std::string name =
      call.threat.empty() ? models::threat_names(network.input).front() : call.threat;
  const models::Threat threat = models::parse_threat(name, network.input);
  const certify::Norms norms(network);
  const auto layers = layer_costs(network, norms, threat);
  const auto weights = weight_lines(network, norms, run.options.constraint);
  const Constants log10{certify::log10_constant(network, norms, threat),
                        certify::published_log10_constant(network, threat)};
  if (call.json) {
    print_json(layers, weights, threat, log10);
  } else {
    fmt::print("{}: {} parameters, {}\n", call.run, models::parameter_count(network), run.weights);
    print_tables(layers, weights, threat, log10);
  }
  return 0;
}

}  // namespace

Run bind_inspect(CLI::App& command) {
  auto call = std::make_shared<InspectCall>();
  call->command = &command;
  command.add_option("RUN", call->run, "run directory or .safetensors file")->group(kCallGroup);
  command
      .add_flag("--print-model", call->print_model,
                "print the network layer by layer, as a file for --model, and stop")
      ->group(kCallGroup);
  command
      .add_flag("--check-kernels", call->check_kernels,
                "run every CUDA kernel and its reference on these weights, and stop")
      ->group(kCallGroup);
  CLI::Option* const fp8 =
      command
          .add_flag("--fp8", call->fp8,
                    "evaluate the network in e4m3, scaled by certified and by observed ranges")
          ->group(kCallGroup);
  command.add_option("--examples", call->examples, "of --fp8")
      ->needs(fp8)
      ->group(kCallGroup)
      ->capture_default_str()
      ->check(whole_number(1, int64_t{1} << 40));
  add_weights_options(command, call->weights);
  command
      .add_option("--data", call->data,
                  "of foreign weights: data whose images an mlp flattens, and that --fp8 evaluates")
      ->group(kCallGroup);
  add_json(command, call->json);
  add_print_config(command, call->print);
  command.add_option("--checkpoint", call->checkpoint, "best or last")
      ->capture_default_str()
      ->check(CLI::IsMember({"best", "last"}));
  command.add_option("--threat", call->threat,
                     "threat whose bound is shown; default: the first of the input");
  return [call] { return run_inspect(*call); };
}

}  // namespace taut::cli
