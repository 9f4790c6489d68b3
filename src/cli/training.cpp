#include "src/cli/training.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "src/cli/open.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"
#include "src/io/folder_lock.hpp"
#include "src/train/device.hpp"
#include "src/train/memory.hpp"

namespace taut::cli {
namespace {

std::map<std::string, std::string> provenance(const train::TrainOptions& options) {
  std::map<std::string, std::string> facts = cli::provenance();
  facts["device"] = options.device;
  return facts;
}

// Held by the first rank for all.
class FirstLock {
 public:
  FirstLock(const team::Team& team, const std::filesystem::path& folder, Locked locked) {
    if (locked == Locked::by_caller) return;
    team::on_first(team, [&] { lock_.emplace(folder); });
  }

 private:
  std::optional<io::FolderLock> lock_;
};

}  // namespace

train::TrainSummary train_afresh(const std::filesystem::path& folder,
                                 const train::TrainOptions& options, const std::string& config,
                                 bool force, Locked locked) {
  train::TrainContext context{folder, config, provenance(options), team::world(), {}};
  // Data and network are made and the device is found before an old run is touched: what cannot be
  // trained loses nothing.
  train::check(options, context.team);
  const data::Dataset dataset = data::open_dataset(options.data);
  train::check_memory(options, dataset);
  const models::Network network =
      models::build(options.model, dataset.input, dataset.classes, make_generator(options.seed));
  train::check(options, network);
  train::check_rows(network, dataset);
  train::check_slice_memory(network, dataset, options, context.team);
  train::open_device(options.device, context.team);
  const FirstLock lock(context.team, folder, locked);
  team::on_first(context.team, [&] { io::require_room(folder, force); });
  context.begin = [&] {
    io::create_run(folder, force);
    nlohmann::json facts = context.provenance;
    facts["config"] = context.config;
    io::write_atomically(folder / "run.json", facts.dump(2) + "\n");
  };
  return train::train(options, context, nullptr);
}

train::TrainSummary train_on(const std::filesystem::path& folder, Locked locked) {
  io::require_run(folder);
  const FirstLock lock(team::world(), folder, locked);
  const OpenRun run = open_run(folder, "last", {}, "");
  require(run.checkpoint.random_state.defined(),
          "{} holds weights only, no state of a training: it cannot be resumed", folder.string());
  const train::TrainContext context{
      folder, run.checkpoint.config, provenance(run.options), team::world(), {}};
  return train::train(run.options, context, &run.checkpoint);
}

}  // namespace taut::cli
