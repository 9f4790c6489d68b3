#include <filesystem>
#include <nlohmann/json.hpp>

#include "src/cli/config.hpp"
#include "src/cli/open.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"

namespace taut::cli {
namespace {

struct ConvertCall {
  std::string in, out, checkpoint = "best", data;
  WeightsOptions weights;
  bool force = false;
};

int64_t tensors_in(const models::Network& network) {
  int64_t count = 0;
  models::for_each_tensor(network, [&](const auto&, const auto&, auto) { ++count; });
  return count;
}

void write_run(const std::filesystem::path& folder, const io::Checkpoint& checkpoint, bool force) {
  nlohmann::json facts = checkpoint.provenance;
  facts["config"] = checkpoint.config;
  // A name of a file need not be UTF-8.
  const std::string text = facts.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  io::create_run(folder, force);
  io::write_atomically(folder / "run.json", text + "\n");
  io::save_run_checkpoint(folder, checkpoint, /*keep=*/1, /*best=*/true);
}

int run_convert(const ConvertCall& call) {
  require(!call.in.empty() && !call.out.empty(), "expected IN and OUT");
  const bool to_file = io::is_safetensors(call.out);
  require(
      to_file || io::is_safetensors(call.in),
      "expected IN or OUT to be a .safetensors file and the other a run directory, got {} and {}",
      call.in, call.out);
  require(!call.out.ends_with(".json"), "expected OUT to be one .safetensors file, got {}",
          call.out);
  require(!to_file || call.force || !std::filesystem::exists(call.out),
          "{} is there already: choose another name, or replace it with --force", call.out);
  // All of IN is known to be good before OUT is touched.
  const io::Checkpoint checkpoint =
      load_checkpoint(call.in, call.checkpoint, call.weights, call.data);
  train_options(checkpoint.config, call.in);
  if (to_file) {
    io::save_weights(call.out, checkpoint);
  } else {
    write_run(call.out, checkpoint, call.force);
  }
  say("wrote {}: {} tensors, {} parameters", call.out, tensors_in(checkpoint.network),
      models::parameter_count(checkpoint.network));
  return 0;
}

}  // namespace

Run bind_convert(CLI::App& command) {
  auto call = std::make_shared<ConvertCall>();
  command.add_option("IN", call->in, "run directory, .safetensors file or index of a sharded one")
      ->group(kCallGroup);
  command.add_option("OUT", call->out, ".safetensors file or run directory")->group(kCallGroup);
  command.add_flag("--force", call->force, "replace what is there")->group(kCallGroup);
  command.add_option("--checkpoint", call->checkpoint, "of a run: best or last")
      ->capture_default_str()
      ->check(CLI::IsMember({"best", "last"}));
  command.add_option("--data", call->data, "data set of foreign weights");
  add_weights_options(command, call->weights);
  return [call] { return run_convert(*call); };
}

}  // namespace taut::cli
