#include "certify/certify.hpp"

#include <ATen/ATen.h>
#include <malloc.h>

#include "src/cli/checks.hpp"
#include "src/cli/config.hpp"
#include "src/cli/layer_costs.hpp"
#include "src/cli/rows.hpp"
#include "src/cli/summary.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"

namespace taut::cli {
namespace {

struct CertifyCall {
  CLI::App* command = nullptr;
  std::string run, config;
  bool json = false;
  PrintConfig print;
  RowOptions rows;
  WeightsOptions weights;
  certify::CertifyOptions options;
};

// Keeps only the asked positions of each sequence: a certificate of all of them is computed anyway.
certify::Certificate at_positions(certify::Certificate c, const attacks::Rows& rows,
                                  int64_t per_example) {
  const at::Tensor keep = rows.example * per_example + rows.position;
  for (at::Tensor* t : {&c.example, &c.position, &c.label, &c.prediction, &c.margin}) {
    *t = t->index_select(0, keep);
  }
  for (certify::ThreatCertificate& threat : c.threats) {
    threat.radius = threat.radius.index_select(0, keep);
    threat.radius_deployed = threat.radius_deployed.index_select(0, keep);
  }
  return c;
}

int run_certify(CertifyCall& call) {
  // Layers are converted one after the other. From the heap, where small blocks may keep their room
  // apart, memory would grow with their number.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  if (!call.config.empty()) apply_config(*call.command, config_text(call.config), call.config);
  if (call.print.given) {
    fmt::print("{}", print_config(*call.command));
    return 0;
  }
  require(!call.run.empty(), "expected RUN, a run directory or a .safetensors file");
  const OpenRun run = open_run(call.run, call.rows.checkpoint, call.weights, call.rows.data);
  const Examples examples = validation_examples(run, call.rows);
  const std::vector<models::Threat> threats = chosen_threats(run, call.rows);
  const EpsByThreat eps = eps_by_threat(run, call.rows, threats);
  // A folder that cannot be written is known before the work.
  team::on_first(team::world(), [&] { prepare_results(run); });
  const models::Network& network = run.checkpoint.network;
  const Stopwatch watch;
  const certify::Norms norms(network);
  call.options.team = team::world();
  say_idle(examples.label.size(0), call.options.batch);
  certify::Certificate certificate =
      certify::certify(network, norms, examples.input, examples.label, threats, call.options);
  certificate.seconds = watch.seconds();
  certificate = at_positions(std::move(certificate), attack_rows(examples, call.rows.positions),
                             examples.label.size(1));
  certificate.provenance = result_provenance(run, examples);
  const std::filesystem::path file = run.folder / "certificate.h5";
  team::on_first(call.options.team, [&] { io::save_certificate(file, certificate); });
  report::RunReport summary = described(run);
  summary.certificate = std::move(certificate);
  print_summary({std::move(summary)}, eps, call.json);
  if (!call.json) fmt::print("\n{}", report::to_text(cost_table(network, norms, threats)));
  std::fflush(stdout);
  say("wrote {}", file.string());
  return 0;
}

}  // namespace

Run bind_certify(CLI::App& command) {
  auto call = std::make_shared<CertifyCall>();
  call->command = &command;
  command.add_option("RUN", call->run, "run directory or .safetensors file")->group(kCallGroup);
  command.add_option("--config", call->config, "options from a .toml file")->group(kCallGroup);
  add_json(command, call->json);
  add_print_config(command, call->print);
  add_row_options(command, call->rows);
  add_weights_options(command, call->weights);
  add_results_folder(command, call->weights);
  command.add_option("--batch", call->options.batch, "examples evaluated at once")
      ->capture_default_str()
      ->check(whole_number(1, 1 << 20));
  return [call] { return run_certify(*call); };
}

}  // namespace taut::cli
