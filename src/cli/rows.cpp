#include "src/cli/rows.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "certify/certify.hpp"
#include "src/cli/examples.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"
#include "src/train/trainer.hpp"

namespace taut::cli {

namespace {

Examples examples_in_file(const OpenRun& run, const RowOptions& rows) {
  const ExampleFile file = read_examples(rows.data);
  check_examples(file, run.checkpoint.network, rows.data);
  const int64_t all = file.label.size(0);
  const int64_t count = rows.examples == 0 ? all : std::min(all, rows.examples);
  const std::string source = fmt::format(
      "{} {}", rows.data, io::fingerprint({{"input", file.values}, {"label", file.label}}, {}));
  return {rows.data, source, file.values.narrow(0, 0, count), file.label.narrow(0, 0, count)};
}

}  // namespace

Examples validation_examples(const OpenRun& run, const RowOptions& rows) {
  data::DataOptions wanted = run.options.data;
  if (is_examples_file(rows.data)) return examples_in_file(run, rows);
  if (!rows.data.empty()) wanted.name = rows.data;
  if (!rows.tokenizer.empty()) wanted.tokenizer = rows.tokenizer;
  require(!wanted.name.empty(), "expected --data: nothing says what {} was trained on", run.name);
  const models::InputSpec& input = run.checkpoint.network.input;
  wanted.context = std::max<int64_t>(input.context, 1);
  const data::Dataset dataset = data::open_dataset(wanted);
  require(dataset.input == input, "the data set '{}' does not fit the network of {}", dataset.name,
          run.name);
  const int64_t all = data::size(dataset, dataset.validation);
  const int64_t count = rows.examples == 0 ? all : std::min(all, rows.examples);
  require(count > 0, "the data set '{}' has no validation examples", dataset.name);
  const data::Batch batch = data::gather(dataset, dataset.validation, at::arange(count, at::kLong));
  models::check_input(input, batch.input);
  train::check_rows(run.checkpoint.network, dataset);
  return {dataset.name, dataset.source, batch.input, batch.label};
}

attacks::Rows attack_rows(const Examples& examples, int64_t positions) {
  const int64_t all = examples.label.size(1), n = examples.label.size(0);
  const int64_t per_example = positions == 0 ? all : std::min(positions, all);
  // The last of each of `per_example` equal parts: the last position is always among them.
  const at::Tensor places =
      (at::arange(1, per_example + 1, at::kLong) * all).div(per_example, "floor") - 1;
  const at::Tensor example = at::arange(n, at::kLong).repeat_interleave(per_example);
  const at::Tensor position = places.repeat({n});
  return {examples.input.index_select(0, example), example, position,
          examples.label.index({example, position})};
}

std::vector<models::Threat> chosen_threats(const OpenRun& run, const RowOptions& rows) {
  const models::InputSpec& input = run.checkpoint.network.input;
  std::vector<std::string> names = rows.threats;
  if (names.empty()) {
    const bool pixels = input.kind == models::InputKind::pixels;
    names = pixels ? std::vector<std::string>{"l2", "linf"}
                   : std::vector<std::string>{"every_token", "one_token"};
  }
  std::vector<models::Threat> threats;
  for (const std::string& name : names) threats.push_back(models::parse_threat(name, input));
  return threats;
}

std::vector<double> chosen_eps(const OpenRun& run, const RowOptions& rows,
                               const models::Threat& threat) {
  std::vector<double> eps;
  for (const std::string& text : rows.eps) eps.push_back(parse_size(text));
  const models::Network& network = run.checkpoint.network;
  const bool embedding = threat.space == models::Space::embedding;
  require(!rows.relative || embedding, "--relative is about embeddings; this network reads pixels");
  double unit = 1;
  if (embedding && (rows.relative || eps.empty())) {
    const auto& table = std::get<models::Embedding>(network.layers.front().kind).table;
    unit = certify::embedding_rms(network) * std::sqrt(static_cast<double>(table.size(1)));
    if (threat.norm == models::Norm::l2)
      unit *= std::sqrt(static_cast<double>(network.input.context));
  }
  if (eps.empty()) {
    if (embedding) {
      eps = {0.001, 0.003, 0.01, 0.03, 0.1};
    } else if (threat.norm == models::Norm::linf) {
      eps = {1.0 / 255, 2.0 / 255, 4.0 / 255, 8.0 / 255, 16.0 / 255};
    } else {
      eps = {0.02, 0.05, 0.1, 36.0 / 255, 0.25, 0.5};
    }
  }
  for (double& value : eps) value *= unit;
  std::sort(eps.begin(), eps.end());
  return eps;
}

void say_idle(int64_t things, int64_t batch) {
  const int64_t batches = (things + batch - 1) / batch;
  if (batches >= team::world().size) return;
  say("{} of {} processes have no batch: a smaller --batch than {} gives them one",
      team::world().size - batches, team::world().size, batch);
}

std::map<std::string, std::string> result_provenance(const OpenRun& run, const Examples& examples) {
  std::map<std::string, std::string> facts = provenance();
  facts["run"] = run.name;
  facts["checkpoint"] = run.weights;
  facts["data"] = examples.data;
  facts["data_source"] = examples.source;
  facts["config"] = run.checkpoint.config;
  facts["train_seed"] = std::to_string(run.options.seed);
  return facts;
}

}  // namespace taut::cli
