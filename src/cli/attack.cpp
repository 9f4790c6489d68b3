#include <ATen/ATen.h>

#include <filesystem>

#include "attacks/attacks.hpp"
#include "src/cli/config.hpp"
#include "src/cli/rows.hpp"
#include "src/cli/summary.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"

namespace taut::cli {
namespace {

struct AttackCall {
  CLI::App* command = nullptr;
  std::string run, config, loss = "margin";
  bool json = false;
  PrintConfig print;
  RowOptions rows;
  WeightsOptions weights;
  attacks::AttackOptions options;
};

// A certificate of other weights or other examples proves nothing here.
std::optional<certify::Certificate> certificate_for(
    const OpenRun& run, const std::map<std::string, std::string>& facts) {
  std::optional<certify::Certificate> certificate = certificate_of(run);
  if (!certificate) {
    say("no certificate of it in {}: the attacks are checked against nothing", run.folder.string());
  } else if (!same_data(certificate->provenance, facts, "this attack")) {
    return std::nullopt;
  }
  return certificate;
}

// Exit status 1 when any success lies inside its certified radius.
int verdict(const std::vector<attacks::AttackResult>& results,
            const certify::Certificate& certificate) {
  int64_t compared = 0, inside = 0;
  for (const attacks::AttackResult& result : results) {
    const attacks::CheckedRows rows = attacks::check(result, certificate);
    compared += rows.compared;
    inside += static_cast<int64_t>(rows.contradictions.size());
    for (const attacks::Contradiction& c : rows.contradictions) {
      say("CONTRADICTION: {}: example {}, position {}: an attack of size {:.17g} lies inside the "
          "certified radius {:.17g}",
          models::describe(result.threat), c.example, c.position, c.attack_radius,
          c.certified_radius);
    }
  }
  say("attacks inside a certified radius: {} of {}", inside, compared);
  return inside == 0 ? 0 : 1;
}

// Attacks of this checkpoint on other threats, which a new attack.h5 must not lose.
std::vector<attacks::AttackResult> earlier(const std::filesystem::path& file,
                                           const std::vector<models::Threat>& now,
                                           const std::map<std::string, std::string>& facts) {
  std::vector<attacks::AttackResult> kept;
  if (!std::filesystem::exists(file)) return kept;
  for (attacks::AttackResult& result : io::load_attacks(file)) {
    const auto same = [&](const char* fact) {
      const auto found = result.provenance.find(fact);
      return found != result.provenance.end() && found->second == facts.at(fact);
    };
    const bool again = std::find(now.begin(), now.end(), result.threat) != now.end();
    if (!again && same("checkpoint") && same("data") && same("data_source"))
      kept.push_back(std::move(result));
  }
  return kept;
}

// Every threat in turn, until Ctrl-C: what was cut short would look like robustness.
std::vector<attacks::AttackResult> attack_all(const AttackCall& call, const OpenRun& run,
                                              const attacks::Rows& rows,
                                              const std::vector<models::Threat>& threats,
                                              const EpsByThreat& eps) {
  std::vector<attacks::AttackResult> results;
  for (const models::Threat& threat : threats) {
    attacks::AttackOptions options = call.options;
    options.eps = eps.at(models::threat_name(threat));
    say_idle(rows.label.size(0), options.batch);
    say("attacking {} rows: {}", rows.label.size(0), models::describe(threat));
    attacks::AttackResult result = attacks::attack(run.checkpoint.network, rows, threat, options);
    if (team::any(options.team, interrupted())) break;
    results.push_back(std::move(result));
  }
  return results;
}

int run_attack(AttackCall& call) {
  if (!call.config.empty()) apply_config(*call.command, config_text(call.config), call.config);
  if (call.print.given) {
    fmt::print("{}", print_config(*call.command));
    return 0;
  }
  require(!call.run.empty(), "expected RUN, a run directory or a .safetensors file");
  call.options.loss = attacks::parse_loss(call.loss);
  const OpenRun run = open_run(call.run, call.rows.checkpoint, call.weights, call.rows.data);
  const std::filesystem::path file = run.folder / "attack.h5";
  const Examples examples = validation_examples(run, call.rows);
  const std::vector<models::Threat> threats = chosen_threats(run, call.rows);
  const EpsByThreat eps = eps_by_threat(run, call.rows, threats);
  const auto facts = result_provenance(run, examples);
  const auto certificate = certificate_for(run, facts);
  // First: neither a damaged file nor a folder that cannot be written must cost an attack.
  std::vector<attacks::AttackResult> all = earlier(file, threats, facts);
  call.options.team = team::world();
  team::on_first(call.options.team, [&] { prepare_results(run); });
  std::vector<attacks::AttackResult> results =
      attack_all(call, run, attack_rows(examples, call.rows.positions), threats, eps);
  if (results.empty()) {
    say("interrupted before any threat was finished: nothing written");
    return kInterrupted;
  }
  for (attacks::AttackResult& result : results) {
    result.provenance.insert(facts.begin(), facts.end());
  }
  all.insert(all.end(), results.begin(), results.end());
  team::on_first(call.options.team, [&] { io::save_attacks(file, all); });
  report::RunReport summary = described(run);
  summary.certificate = certificate;
  summary.attacks = results;
  print_summary({std::move(summary)}, eps, call.json);
  say("wrote {}", file.string());
  const int status = certificate ? verdict(results, *certificate) : 0;
  return status == 0 && interrupted() ? kInterrupted : status;
}

}  // namespace

Run bind_attack(CLI::App& command) {
  auto call = std::make_shared<AttackCall>();
  call->command = &command;
  call->rows.examples = 100;
  call->rows.positions = 4;
  command.add_option("RUN", call->run, "run directory or .safetensors file")->group(kCallGroup);
  command.add_option("--config", call->config, "options from a .toml file")->group(kCallGroup);
  add_json(command, call->json);
  add_print_config(command, call->print);
  add_row_options(command, call->rows);
  add_weights_options(command, call->weights);
  add_results_folder(command, call->weights);
  add_attack_options(command, call->options, call->loss);
  return [call] { return run_attack(*call); };
}

}  // namespace taut::cli
