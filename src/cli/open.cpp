#include "src/cli/open.hpp"

#include "src/cli/config.hpp"
#include "src/cli/examples.hpp"
#include "src/core/core.hpp"

namespace taut::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModel = "model.toml";

// A file of weights, the network in it and how it was read.
struct Opened {
  io::Checkpoint checkpoint;
  models::Description description;
  std::string fingerprint;
  std::vector<std::string> neighbours;  // files that said what stands in no tensor
};

// "model" of model.safetensors and of model.safetensors.index.json.
std::string stem_of(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.substr(0, name.rfind(".safetensors"));
}

fs::path results_folder(const fs::path& file, const WeightsOptions& options) {
  if (!options.out.empty()) return options.out;
  return file.parent_path() / (stem_of(file) + ".taut");
}

bool is_model_file(const std::string& model) { return fs::path(model).extension() == ".toml"; }

// What would change nothing would be believed to have changed something.
void refuse_idle_options(const WeightsOptions& options) {
  const models::ForeignOptions& o = options.foreign;
  const bool named = !options.model.empty() && !is_model_file(options.model);
  const bool mlp = options.model == "mlp", pixels = mlp || options.model == "vit";
  const auto refuse = [&](const char* option, bool given, bool used) {
    require(!given || used, "{} says nothing of {}", option,
            named ? options.model : "a model that is described already: it goes with --model NAME");
  };
  refuse("--heads", o.heads != 0, named && !mlp);
  refuse("--norm_eps", o.norm_eps != 0, named && !mlp);
  refuse("--activation", !o.activation.empty(), named);
  refuse("--context", o.context != 0, named && !pixels);
  refuse("--mean", !o.mean.empty(), pixels);
  refuse("--std", !o.std.empty(), pixels);
}

// The model that --model says, or the one that earlier results say.
models::Description described_by(const fs::path& file, const io::TensorFile& tensors,
                                 const WeightsOptions& options, const std::string& data,
                                 std::vector<std::string>& neighbours) {
  if (is_model_file(options.model)) return io::read_model(options.model).description;
  if (options.model.empty()) {
    const fs::path earlier = results_folder(file, options) / kModel;
    require(fs::exists(earlier),
            "{} does not say what network it holds: give --model, one of {}, or a .toml file",
            file.string(), join(models::foreign_names(), ", "));
    return io::read_model(earlier).description;
  }
  models::ForeignOptions foreign = options.foreign;
  neighbours = io::complete_from_neighbours(file, foreign);
  if (options.model == "mlp" || options.model == "vit") foreign.input = image_of(data);
  try {
    return models::describe_foreign(options.model, tensors.tensors, foreign);
  } catch (const Error& error) {
    fail("{}: {}", file.string(), error.what());
  }
}

// What is known of weights that were not trained here: no constraint, and their data where it is
// said.
std::string foreign_config(const std::string& data) {
  std::string config = "[constraint]\nname = \"none\"\n";
  if (!data.empty() && !is_examples_file(data))
    config += fmt::format("[data]\nname = {}\n", toml_text(data));
  return config;
}

Opened open_file(const fs::path& file, const WeightsOptions& options, const std::string& data) {
  const io::TensorFile tensors = io::read_safetensors(file);
  refuse_idle_options(options);
  Opened opened;
  if (io::carries_network(tensors) && options.model.empty()) {
    opened.checkpoint = io::weights_of(tensors, file.string());
    opened.description = models::describe(opened.checkpoint.network);
    opened.fingerprint = io::fingerprint(tensors.tensors, opened.description);
    return opened;
  }
  opened.description = described_by(file, tensors, options, data, opened.neighbours);
  opened.fingerprint = io::fingerprint(tensors.tensors, opened.description);
  opened.checkpoint.config = foreign_config(data);
  opened.checkpoint.provenance["weights"] =
      fmt::format("{}, {}", file.filename().string(), opened.fingerprint);
  try {
    opened.checkpoint.network = models::assemble(opened.description, tensors.tensors);
  } catch (const Error& error) {
    fail("{}: {}", file.string(), error.what());
  }
  for (const std::string& neighbour : opened.neighbours) say("read {}", neighbour);
  return opened;
}

// Certificates and attacks are about fp32 programs; a narrower stored number is one of fp32.
void widen(models::Network& network) {
  const at::ScalarType type = models::dtype_of(network);
  if (type != at::kFloat && type != at::kDouble) network = models::converted(network, at::kFloat);
}

OpenRun open_weights(const fs::path& file, const WeightsOptions& options, const std::string& data,
                     const fs::path& folder) {
  Opened opened = open_file(file, options, data);
  OpenRun run{folder, stem_of(file), std::move(opened.checkpoint), {}, {}, {}};
  run.options = train_options(run.checkpoint.config, file.string());
  if (run.checkpoint.config.find("[data]") == std::string::npos) run.options.data.name = "";
  run.weights = fmt::format("{}, {}", file.filename().string(), opened.fingerprint);
  const fs::path back = fs::absolute(file).lexically_normal().lexically_relative(
      fs::absolute(folder).lexically_normal());
  run.model = io::to_toml({std::move(opened.description), back.string()});
  widen(run.checkpoint.network);
  return run;
}

// The weights that a folder of results is about.
fs::path weights_behind(const fs::path& folder) {
  const fs::path model = folder / kModel;
  const std::string weights = io::read_model(model).weights;
  require(!weights.empty(), "{}: 'weights' names no file", model.string());
  return (folder / weights).lexically_normal();
}

bool holds_results_of_a_file(const fs::path& path) {
  std::error_code error;  // what cannot be looked at is explained by whoever opens it
  return fs::exists(path / kModel, error) && !fs::exists(path / "checkpoint.h5", error);
}

}  // namespace

train::TrainOptions train_options(const std::string& config, const std::string& source) {
  train::TrainOptions options;
  CLI::App scratch;
  add_train_options(scratch, options);
  apply_config(scratch, config, source);
  return options;
}

OpenRun open_run(const fs::path& path, const std::string& which, const WeightsOptions& weights,
                 const std::string& data) {
  if (holds_results_of_a_file(path)) {
    WeightsOptions here = weights;
    here.out = path.string();
    return open_weights(weights_behind(path), here, data, path);
  }
  if (io::is_safetensors(path)) {
    return open_weights(path, weights, data, results_folder(path, weights));
  }
  io::require_run(path);
  OpenRun run{path, {}, io::load_run_checkpoint(path, which), {}, {}, {}};
  const fs::path whole = fs::absolute(path).lexically_normal();
  run.name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  if (run.name.empty()) run.name = path.string();
  run.options = train_options(run.checkpoint.config, (path / "checkpoint.h5").string());
  run.weights = fmt::format("{}, step {}, {}", which, run.checkpoint.step,
                            io::fingerprint(run.checkpoint.network));
  widen(run.checkpoint.network);
  return run;
}

io::Checkpoint load_checkpoint(const fs::path& path, const std::string& which,
                               const WeightsOptions& weights, const std::string& data) {
  return io::is_safetensors(path) ? open_file(path, weights, data).checkpoint
                                  : io::load_run_checkpoint(path, which);
}

bool about(const OpenRun& run, const std::map<std::string, std::string>& provenance,
           const std::string& what) {
  const auto of = provenance.find("checkpoint");
  if (of == provenance.end() || of->second == run.weights) return true;
  say("{} is of checkpoint '{}', not of '{}': left out", what, of->second, run.weights);
  return false;
}

std::optional<certify::Certificate> certificate_of(const OpenRun& run) {
  const fs::path path = run.folder / "certificate.h5";
  if (!fs::exists(path)) return std::nullopt;
  certify::Certificate certificate = io::load_certificate(path);
  if (!about(run, certificate.provenance, path.string())) return std::nullopt;
  return certificate;
}

bool same_data(const std::map<std::string, std::string>& certificate,
               const std::map<std::string, std::string>& attack, const std::string& what) {
  for (const char* fact : {"data", "data_source"}) {
    const auto a = certificate.find(fact), b = attack.find(fact);
    if (a == certificate.end() || b == attack.end() || a->second == b->second) continue;
    say("{} is about other examples than the certificate, '{}' and not '{}': left out", what,
        b->second, a->second);
    return false;
  }
  return true;
}

void prepare_results(const OpenRun& run) {
  if (run.model.empty()) return;
  std::error_code error;
  fs::create_directories(run.folder, error);
  require(!error, "cannot make the folder {}: {}", run.folder.string(), error.message());
  require(!fs::exists(run.folder / "checkpoint.h5"),
          "{} holds a run: choose another folder for the results of {}", run.folder.string(),
          run.name);
  io::write_atomically(run.folder / kModel, run.model);
}

}  // namespace taut::cli
