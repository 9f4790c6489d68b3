#include <ATen/ATen.h>

#include <filesystem>

#include "src/cli/checks.hpp"
#include "src/cli/complaint.hpp"
#include "src/cli/config.hpp"
#include "src/cli/frontier.hpp"
#include "src/cli/rows.hpp"
#include "src/cli/summary.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"

namespace taut::cli {
namespace {

struct CompareCall {
  CLI::App* command = nullptr;
  std::vector<std::string> runs;
  std::string out, checkpoint = "best", data;
  WeightsOptions weights;
  std::vector<std::string> eps;
  int64_t examples = 256;
  bool json = false;
  FrontierOptions frontier;
  PrintConfig print;
};

// What foreign weights were certified or attacked on; "" where they were not.
std::string data_of_results(const report::RunReport& r) {
  const auto data = [](const std::map<std::string, std::string>& provenance) {
    const auto found = provenance.find("data");
    return found == provenance.end() ? std::string() : found->second;
  };
  if (r.certificate) return data(r.certificate->provenance);
  return r.attacks.empty() ? "" : data(r.attacks.front().provenance);
}

report::RunReport loaded(const CompareCall& call, const OpenRun& run) {
  report::RunReport r = described(run);
  r.certificate = certificate_of(run);
  const std::filesystem::path finds = run.folder / "attack.h5";
  if (std::filesystem::exists(finds)) {
    for (attacks::AttackResult& attack : io::load_attacks(finds)) {
      const std::string what = fmt::format("{}, {}", finds.string(), threat_name(attack.threat));
      const bool paired =
          !r.certificate || same_data(r.certificate->provenance, attack.provenance, what);
      if (about(run, attack.provenance, what) && paired) r.attacks.push_back(std::move(attack));
    }
  }
  RowOptions rows;
  rows.examples = call.examples;
  rows.data = call.data;
  if (rows.data.empty() && run.options.data.name.empty()) rows.data = data_of_results(r);
  r.layers =
      models::activation_ranges(run.checkpoint.network, validation_examples(run, rows).input);
  return r;
}

int print_frontier(const CompareCall& call) {
  require(call.eps.empty(), "--eps says nothing of a frontier: --relative_eps does");
  std::vector<OpenRun> runs;
  for (const std::string& path : call.runs) {
    try {
      runs.push_back(open_run(path, call.checkpoint, call.weights, call.data));
    } catch (const std::exception& error) {  // runs/* holds more than runs
      if (call.runs.size() == 1) throw;
      say("left out: {}", complaint_of(error));
    }
  }
  require(!runs.empty(), "expected RUN..., got {} paths of which none can be opened",
          call.runs.size());
  return run_frontier(call.frontier, std::move(runs), call.out, call.json);
}

int run_compare(const CompareCall& call) {
  if (call.print.given) {
    fmt::print("{}", print_config(*call.command));
    return 0;
  }
  require(!call.runs.empty(), "expected RUN..., run directories or .safetensors files");
  if (call.frontier.wanted) return print_frontier(call);
  std::vector<report::RunReport> runs;
  std::filesystem::path first_folder;
  for (const std::string& path : call.runs) {
    const OpenRun run = open_run(path, call.checkpoint, call.weights, call.data);
    if (runs.empty()) first_folder = run.folder;
    runs.push_back(loaded(call, run));
  }
  make_names_distinct(runs);
  const report::Comparison comparison = report::compare(std::move(runs));
  report::ReportOptions options;
  for (const models::Threat& threat : comparison.threats) {
    for (const std::string& text : call.eps) {
      options.eps[models::threat_name(threat)].push_back(parse_size(text));
    }
  }
  const std::filesystem::path folder =
      call.out.empty() ? first_folder / "report" : std::filesystem::path(call.out);
  report::write_report(folder, comparison, options);
  if (call.json) {
    fmt::print("{}\n", report::summary_json(comparison, options));
  } else {
    fmt::print("{}", report::to_text(report::summary_table(comparison, options)));
  }
  std::fflush(stdout);
  const attacks::CheckedRows checked = report::checked(comparison);
  say("{}", report::check_line(checked));
  say("wrote {}", (folder / "report.html").string());
  return checked.contradictions.empty() ? 0 : 1;
}

}  // namespace

Run bind_compare(CLI::App& command) {
  auto call = std::make_shared<CompareCall>();
  call->command = &command;
  command
      .add_option("RUNS", call->runs,
                  "run directories, .safetensors files, folders of their results")
      ->group(kCallGroup);
  command
      .add_option("--out", call->out,
                  "folder of the report, default FIRST_RUN/report; of a frontier its .svg file")
      ->group(kCallGroup);
  add_frontier_options(command, call->frontier);
  add_json(command, call->json);
  add_print_config(command, call->print);
  command.add_option("--checkpoint", call->checkpoint, "best or last")
      ->capture_default_str()
      ->check(CLI::IsMember({"best", "last"}));
  command
      .add_option("--data", call->data, "data set of foreign weights; default: of their results")
      ->group(kCallGroup);
  add_weights_options(command, call->weights);
  command.add_option("--eps", call->eps, "sizes, in each threat's norm; default: those attacked")
      ->delimiter(',');
  command.add_option("--examples", call->examples, "examples on which activations are measured")
      ->capture_default_str()
      ->check(whole_number(1, 1 << 30));
  return [call] { return run_compare(*call); };
}

}  // namespace taut::cli
