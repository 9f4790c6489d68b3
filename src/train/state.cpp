#include "src/train/state.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/constraint.hpp"
#include "src/train/device.hpp"
#include "src/train/memory.hpp"

namespace taut::train {
namespace {

double number(const io::Checkpoint& checkpoint, const std::string& name, double otherwise) {
  const auto at = checkpoint.numbers.find(name);
  return at == checkpoint.numbers.end() ? otherwise : at->second;
}

// "FOLDER: FILE sha256 ..." or "FOLDER/FILE sha256 ..." without the folder, which may move.
std::string contents_of(const std::string& source) {
  const size_t colon = source.rfind(": ");
  const size_t at = colon != std::string::npos ? colon + 1 : source.rfind('/');
  return at == std::string::npos ? source : source.substr(at + 1);
}

// The saved cursor and the best accuracy so far say nothing about other data.
void require_same_data(const io::Checkpoint& checkpoint, const data::Dataset& dataset) {
  const auto saved = checkpoint.provenance.find(kDataSource);
  if (saved == checkpoint.provenance.end()) return;
  require(contents_of(saved->second) == contents_of(dataset.source),
          "the run was trained on other data: on {}, and here is {}", saved->second,
          dataset.source);
}

void require_fits(const io::Checkpoint& checkpoint, const data::Dataset& dataset,
                  const TrainOptions& options) {
  require(checkpoint.network.input == dataset.input,
          "the checkpoint's network reads other inputs than the data set {} gives", dataset.name);
  require_same_data(checkpoint, dataset);
  require(checkpoint.step >= 0 && checkpoint.cursor >= 0,
          "expected step and cursor >= 0 in the checkpoint, got {} and {}", checkpoint.step,
          checkpoint.cursor);
  require(checkpoint.step <= options.steps, "the checkpoint has {} steps, steps asks for {}",
          checkpoint.step, options.steps);
  const double threads = number(checkpoint, "threads", at::get_num_threads());
  if (threads != at::get_num_threads()) {
    say("The checkpoint was written with {} threads, this run has {}: sums are split otherwise, "
        "the "
        "last bits may differ.",
        threads, at::get_num_threads());
  }
}

void restore_generator(at::Generator& generator, const at::Tensor& saved) {
  const at::Tensor like = generator.get_state();
  require(saved.defined() && saved.scalar_type() == at::kByte && saved.numel() == like.numel(),
          "the checkpoint's random state is not one of {} bytes", like.numel());
  try {
    generator.set_state(saved.contiguous());
  } catch (const c10::Error& error) {
    fail("the checkpoint's random state is damaged: {}", error.what_without_backtrace());
  }
}

constexpr int64_t kReadEvery = 20;  // steps on a GPU

void place(State& state, const TrainOptions& options, const models::Network& network,
           const team::Team& team) {
  const at::Device device = open_device(options.device, team);
  state.network = models::moved(network, device);
  state.read_every = device.is_cpu() ? 1 : kReadEvery;
}

}  // namespace

State fresh_state(const TrainOptions& options, const data::Dataset& dataset,
                  const team::Team& team) {
  check_memory(options, dataset);
  State state;
  state.generator = make_generator(options.seed);
  place(state, options,
        models::build(options.model, dataset.input, dataset.classes, state.generator), team);
  state.optimizer = make_optimizer(state.network, options, team);
  return state;
}

State resumed_state(const TrainOptions& options, const data::Dataset& dataset,
                    const io::Checkpoint& checkpoint, const team::Team& team) {
  require_fits(checkpoint, dataset, options);
  State state;
  state.generator = make_generator(options.seed);
  restore_generator(state.generator, checkpoint.random_state);
  place(state, options, checkpoint.network, team);
  state.optimizer = restore_optimizer(state.network, options, checkpoint.optimizer, team);
  state.step = checkpoint.step;
  state.cursor = checkpoint.cursor;
  state.tally.loss = number(checkpoint, "tally_loss", 0);
  state.tally.steps = static_cast<int64_t>(number(checkpoint, "tally_steps", 0));
  state.tally.correct = static_cast<int64_t>(number(checkpoint, "tally_correct", 0));
  state.tally.rows = static_cast<int64_t>(number(checkpoint, "tally_rows", 0));
  state.tally.seconds = number(checkpoint, "tally_seconds", 0);
  state.tally.projections = static_cast<int64_t>(number(checkpoint, "tally_projections", 0));
  state.tally.projections_skipped =
      static_cast<int64_t>(number(checkpoint, "tally_projections_skipped", 0));
  state.validation.loss = number(checkpoint, "validation_loss", 0);
  state.validation.accuracy = number(checkpoint, "validation_accuracy", 0);
  state.best_accuracy = number(checkpoint, "best_accuracy", state.best_accuracy);
  state.best_loss = number(checkpoint, "best_loss", state.best_loss);
  if (checkpoint.numbers.count("log10_bound") != 0) {
    state.bound = checkpoint.numbers.at("log10_bound");
  }
  state.constant =
      load_estimate(checkpoint.numbers, checkpoint.optimizer, models::device_of(state.network));
  state.step_seconds =
      number(checkpoint, "ms_per_step", 0) * static_cast<double>(state.step) / 1000;
  state.seconds = number(checkpoint, "train_seconds", 0);
  return state;
}

namespace {

// Where nothing caps a weight nothing else has looked at it.
void require_finite(const models::Network& network) {
  models::for_each_tensor(network, [](const std::string& path, const at::Tensor& w, models::Role) {
    require(std::isfinite(w.sum(at::kDouble).item<double>()),
            "{} is not finite; a lower optimizer.lr may help", path);
  });
}

}  // namespace

io::Checkpoint snapshot(State& state, const TrainContext& context, const TrainOptions& options) {
  io::Checkpoint checkpoint;
  checkpoint.optimizer = optimizer_state(state.optimizer);
  hold_caps(state.optimizer, cap_factor(options.constraint, state.step, options.steps));
  checkpoint.network = models::converted(state.network, at::kFloat);
  require_finite(checkpoint.network);
  checkpoint.config = context.config;
  checkpoint.random_state = state.generator.get_state();
  checkpoint.step = state.step;
  checkpoint.cursor = state.cursor;
  checkpoint.provenance = context.provenance;
  checkpoint.numbers = {
      {"tally_loss", state.tally.loss},
      {"tally_steps", static_cast<double>(state.tally.steps)},
      {"tally_correct", static_cast<double>(state.tally.correct)},
      {"tally_rows", static_cast<double>(state.tally.rows)},
      {"tally_seconds", state.tally.seconds},
      {"tally_projections", static_cast<double>(state.tally.projections)},
      {"tally_projections_skipped", static_cast<double>(state.tally.projections_skipped)},
      {"validation_loss", state.validation.loss},
      {"validation_accuracy", state.validation.accuracy},
      {"best_accuracy", state.best_accuracy},
      {"best_loss", state.best_loss},
      {"ms_per_step", ms_per_step(state)},
      {"train_seconds", state.seconds},
      {"threads", static_cast<double>(at::get_num_threads())},
  };
  save_estimate(state.constant, checkpoint.numbers, checkpoint.optimizer);
  if (state.bound) checkpoint.numbers["log10_bound"] = *state.bound;
  return checkpoint;
}

double ms_per_step(const State& state) {
  return state.step > 0 ? 1000 * state.step_seconds / static_cast<double>(state.step) : 0;
}

}  // namespace taut::train
