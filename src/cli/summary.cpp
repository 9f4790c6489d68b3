#include "src/cli/summary.hpp"

#include <ATen/ATen.h>

#include "src/core/core.hpp"

namespace taut::cli {

report::RunReport described(const OpenRun& run) {
  const models::Network& network = run.checkpoint.network;
  report::RunReport r;
  r.name = run.name;
  r.parameters = models::parameter_count(network);
  const auto& numbers = run.checkpoint.numbers;
  if (const auto found = numbers.find("train_seconds"); found != numbers.end())
    r.train_seconds = found->second;
  if (const auto found = numbers.find("ms_per_step"); found != numbers.end())
    r.ms_per_step = found->second;
  if (network.input.kind == models::InputKind::tokens) {
    r.tokens = network.input.context;
    r.width = std::get<models::Embedding>(network.layers.front().kind).table.size(1);
  }
  models::for_each_tensor(network, [&](const std::string& path, const at::Tensor& tensor,
                                       models::Role role) {
    if (!train::is_matrix(role)) return;
    const at::Tensor norms = tensor.to(at::kDouble).square().sum({-2, -1}).sqrt().flatten();
    r.frobenius[path].assign(norms.data_ptr<double>(), norms.data_ptr<double>() + norms.numel());
    // The certificate speaks of heads; a cap on their stack says more than that of each.
    if (!train::fuses_heads(role, run.options.constraint))
      r.caps[path] = train::cap_of(role, tensor.sizes(), run.options.constraint);
  });
  r.facts = run.checkpoint.provenance;
  r.facts["config"] = run.checkpoint.config;
  r.facts["step"] = std::to_string(run.checkpoint.step);
  return r;
}

EpsByThreat eps_by_threat(const OpenRun& run, const RowOptions& rows,
                          const std::vector<models::Threat>& threats) {
  EpsByThreat eps;
  for (const models::Threat& threat : threats) {
    eps[models::threat_name(threat)] = chosen_eps(run, rows, threat);
  }
  return eps;
}

void print_summary(std::vector<report::RunReport> runs, const EpsByThreat& eps, bool json) {
  const report::Comparison comparison = report::compare(std::move(runs));
  report::ReportOptions options;
  options.eps = eps;
  if (json) {
    fmt::print("{}\n", report::summary_json(comparison, options));
  } else {
    fmt::print("{}", report::to_text(report::summary_table(comparison, options)));
  }
  std::fflush(stdout);  // before what follows on stderr
}

}  // namespace taut::cli
