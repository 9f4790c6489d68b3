#include <ATen/ATen.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "certify/certify.hpp"
#include "src/cli/config.hpp"
#include "src/cli/dry_run.hpp"
#include "src/cli/json_number.hpp"
#include "src/cli/options.hpp"
#include "src/cli/rows.hpp"
#include "src/cli/training.hpp"
#include "src/cli/unused.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/train/train.hpp"

namespace taut::cli {
namespace {

struct TrainCall {
  CLI::App* command = nullptr;
  std::string config, out, resume;
  bool force = false, json = false, dry = false;
  PrintConfig print;
  train::TrainOptions options;
};

void print_summary(const TrainCall& call, const std::filesystem::path& folder,
                   const train::TrainSummary& s) {
  if (call.json) {
    const auto known = [&](double value) {
      return s.bound ? json_number(value) : nlohmann::json(nullptr);
    };
    const nlohmann::json summary = {
        {"run", folder.string()},
        {"step", s.step},
        {"evaluated_step", s.bound ? nlohmann::json(s.evaluated) : nlohmann::json(nullptr)},
        {"parameters", s.parameters},
        {"validation_loss", known(s.loss)},
        {"accuracy", known(s.accuracy)},
        {"best_accuracy", known(s.best_accuracy)},
        {"log10_bound", known(s.bound.value_or(0))},
        {"train_seconds", s.seconds},
        {"ms_per_step", s.ms_per_step},
        {"interrupted", s.interrupted}};
    fmt::print("{}\n", summary.dump());
    return;
  }
  if (!s.bound) {
    fmt::print("{}: step {}, not evaluated yet, {:.1f} s\n", folder.string(), s.step, s.seconds);
    return;
  }
  const std::string when = s.evaluated == s.step ? "" : fmt::format(" at step {}", s.evaluated);
  fmt::print(
      "{}: step {}, validation accuracy{} {:.2f} % (best {:.2f} %), loss {:.4f}, log10 bound {}, "
      "{:.1f} s\n",
      folder.string(), s.step, when, 100 * s.accuracy, 100 * s.best_accuracy, s.loss,
      number(*s.bound, Round::up), s.seconds);
}

// Without --out: runs/<preset or file name>.
std::filesystem::path run_folder(const TrainCall& call) {
  if (!call.out.empty()) return call.out;
  return std::filesystem::path("runs") / std::filesystem::path(call.config).stem();
}

int finish(const TrainCall& call, const std::filesystem::path& folder,
           const train::TrainSummary& summary) {
  print_summary(call, folder, summary);
  if (summary.interrupted) say("interrupted; go on with: taut train --resume {}", folder.string());
  return summary.interrupted ? kInterrupted : 0;
}

int resume_run(const TrainCall& call) {
  require(call.config.empty() && call.out.empty() && !call.force && !call.dry,
          "--resume takes the run's own configuration: no CONFIG, --out, --force or --dry-run "
          "beside it");
  for (const CLI::Option* option : call.command->get_options()) {
    require(option->count() == 0 || option->get_group() == kCallGroup,
            "--resume takes the run's own configuration; {} cannot be changed", option->get_name());
  }
  if (call.print.given) {
    io::require_run(call.resume);
    apply_config(*call.command, io::load_run_checkpoint(call.resume, "last").config, call.resume);
    fmt::print("{}", print_config(*call.command));
    return 0;
  }
  return finish(call, call.resume, train_on(call.resume));
}

int start_run(TrainCall& call) {
  require(!call.config.empty() || call.print.given,
          "expected CONFIG, a preset or a .toml file; or --resume RUN");
  const std::set<std::string> given = given_options(*call.command);
  if (!call.config.empty()) apply_config(*call.command, config_text(call.config), call.config);
  refuse_unused(given, call.options);
  train::check(call.options);
  train::check(call.options, team::world());
  if (call.print.given) {
    fmt::print("{}", print_config(*call.command));
    return 0;
  }
  require(!call.dry || team::world().size == 1, "--dry-run is for one process, not for {}",
          team::world().size);
  if (call.dry) return dry_run(call.config, call.options, call.json);
  const std::filesystem::path folder = run_folder(call);
  return finish(call, folder,
                train_afresh(folder, call.options, print_config(*call.command), call.force));
}

}  // namespace

Run bind_train(CLI::App& command) {
  auto call = std::make_shared<TrainCall>();
  call->command = &command;
  command.add_option("CONFIG", call->config, "a preset or a .toml file")->group(kCallGroup);
  command.add_option("--out", call->out, "run directory; default runs/CONFIG")->group(kCallGroup);
  command.add_option("--resume", call->resume, "go on with this run")->group(kCallGroup);
  command.add_flag("--force", call->force, "replace a run that is already there")
      ->group(kCallGroup);
  command
      .add_flag("--dry-run", call->dry,
                "print parameters, memory, arithmetic and time of a step, and write nothing")
      ->group(kCallGroup);
  add_json(command, call->json);
  add_print_config(command, call->print);
  add_train_options(command, call->options);
  return [call] { return call->resume.empty() ? start_run(*call) : resume_run(*call); };
}

}  // namespace taut::cli
