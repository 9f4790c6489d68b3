#include "src/cli/dry_run.hpp"

#include <ATen/core/grad_mode.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "src/cli/json_number.hpp"
#include "src/core/core.hpp"
#include "src/report/format.hpp"
#include "src/report/table.hpp"
#include "src/train/cost.hpp"
#include "src/train/memory.hpp"
#include "src/train/rehearsal.hpp"
#include "src/train/tracking.hpp"

namespace taut::cli {
namespace {

using train::Part;

constexpr std::array<const char*, train::kParts> kPartNames = {"batch", "forward", "backward",
                                                               "optimizer", "caps"};

struct DryRun {
  int64_t parameters = 0;
  std::map<std::string, int64_t> roles;
  double log10_bound = 0;
  std::string norms;
  train::StoredBytes stored;
  train::PassFlops pass;
  double proofs = 0;
  train::Rehearsal steps;
  int64_t process_bytes = 0;  // largest so far; 0: not known
};

// The largest resident memory of this process so far, as the kernel counts it; 0 where it does not.
int64_t peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return 1024 * kib;
  }
  return 0;
}

DryRun measured(const train::TrainOptions& options) {
  const data::Dataset dataset = data::open_dataset(options.data);
  train::State state = train::fresh_state(options, dataset);
  train::check(options, state.network);
  train::check_rows(state.network, dataset);
  train::check_slice_memory(state.network, dataset, options, {});
  DryRun dry;
  dry.parameters = models::parameter_count(state.network);
  models::for_each_tensor(state.network,
                          [&](const std::string&, const at::Tensor& tensor, models::Role role) {
                            if (models::is_trained(role))
                              dry.roles[models::role_name(role)] += tensor.numel();
                          });
  const models::InputSpec& input = state.network.input;
  {
    const at::NoGradGuard no_grad;
    const models::Network host = models::moved(state.network, at::kCPU);
    dry.log10_bound = train::default_bound(host, certify::Norms(host));
  }
  dry.norms = models::describe(models::parse_threat(models::threat_names(input).front(), input)) +
              " -> l2, last hidden token";
  dry.pass = train::pass_flops(state.network, options.batch);
  dry.proofs = train::proof_flops(state.optimizer.groups, options);
  dry.steps = train::rehearse(state, dataset, options);
  dry.stored = train::stored_bytes(state.optimizer.groups);
  dry.process_bytes = peak_memory();
  return dry;
}

double flops_of(const DryRun& dry, Part part) {
  return dry.steps.part_flops[static_cast<size_t>(part)];
}

std::string mib(int64_t bytes) {
  return report::number(static_cast<double>(bytes) / (1 << 20)) + " MiB";
}

std::string mflop(double flops) { return report::number(flops / 1e6) + " MFLOP"; }

void add_sizes(report::Table& table, const DryRun& dry) {
  table.rows.push_back({"parameters", report::grouped(dry.parameters)});
  for (const auto& [role, count] : dry.roles)
    table.rows.push_back({"  " + role, report::grouped(count)});
  table.rows.push_back({"memory: weights", mib(dry.stored.weights)});
  table.rows.push_back({"  optimizer state", mib(dry.stored.optimizer)});
  table.rows.push_back({"  kept by the forward pass", mib(dry.steps.kept_bytes)});
  table.rows.push_back({"  most tensors of a step at once", mib(dry.steps.peak_bytes)});
  if (dry.process_bytes > 0)
    table.rows.push_back({"  the whole process (VmHWM)", mib(dry.process_bytes)});
}

// By part of a step; what the loss multiplies beyond the pass itself is K, for its margin.
std::vector<std::pair<std::string, double>> products(const DryRun& dry) {
  const double passes = dry.pass.forward + dry.pass.backward;
  return {{"forward", dry.pass.forward},
          {"backward", dry.pass.backward},
          {"optimizer", flops_of(dry, Part::optimizer)},
          {"caps", flops_of(dry, Part::caps)},
          {"proofs of the caps (fp64, on average)", dry.proofs},
          {"K in the loss", flops_of(dry, Part::forward) + flops_of(dry, Part::backward) - passes},
          {"PGD in the batch", flops_of(dry, Part::batch)}};
}

void add_arithmetic(report::Table& table, const DryRun& dry) {
  double step = 0;
  for (const auto& [part, flops] : products(dry)) step += flops;
  table.rows.push_back({"matrix products of a step", mflop(step)});
  for (const auto& [part, flops] : products(dry)) {
    if (flops > 0) table.rows.push_back({"  " + part, mflop(flops)});
  }
}

void add_times(report::Table& table, const DryRun& dry, const train::TrainOptions& options) {
  table.rows.push_back({fmt::format("a step, mean of {} after one to warm up", dry.steps.steps),
                        report::number(1e3 * dry.steps.seconds) + " ms"});
  for (size_t part = 0; part < train::kParts; ++part) {
    table.rows.push_back({std::string("  ") + kPartNames[part],
                          report::number(1e3 * dry.steps.part_seconds[part]) + " ms"});
  }
  table.rows.push_back({fmt::format("{} steps, an estimate", options.steps),
                        clock_time(dry.steps.seconds * static_cast<double>(options.steps)) +
                            ", without evaluations and checkpoints"});
}

report::Table table_of(const std::string& config, const DryRun& dry,
                       const train::TrainOptions& options) {
  report::Table table{{"dry run", config}, {}};
  add_sizes(table, dry);
  add_arithmetic(table, dry);
  add_times(table, dry, options);
  table.rows.push_back({"log10 K of the initialised network",
                        report::number(dry.log10_bound, report::Round::up) + ", " + dry.norms});
  return table;
}

std::string json_of(const DryRun& dry, const train::TrainOptions& options) {
  nlohmann::json seconds, flops;
  for (size_t part = 0; part < train::kParts; ++part)
    seconds[kPartNames[part]] = dry.steps.part_seconds[part];
  for (const auto& [part, count] : products(dry)) flops[part] = count;
  const nlohmann::json all = {
      {"parameters", dry.parameters},
      {"roles", dry.roles},
      {"bytes",
       {{"weights", dry.stored.weights},
        {"optimizer", dry.stored.optimizer},
        {"kept", dry.steps.kept_bytes},
        {"peak", dry.steps.peak_bytes},
        {"process", dry.process_bytes}}},
      {"flops", flops},
      {"steps_timed", dry.steps.steps},
      {"step_seconds", dry.steps.seconds},
      {"part_seconds", seconds},
      {"estimated_seconds", dry.steps.seconds * static_cast<double>(options.steps)},
      {"log10_bound", json_number(dry.log10_bound)},
      {"norms", dry.norms}};
  return all.dump();
}

}  // namespace

int dry_run(const std::string& config, const train::TrainOptions& options, bool json) {
  const DryRun dry = measured(options);
  if (interrupted()) return kInterrupted;
  if (json) {
    fmt::print("{}\n", json_of(dry, options));
  } else {
    fmt::print("{}", report::to_text(table_of(config, dry, options)));
  }
  return 0;
}

}  // namespace taut::cli
