#include "src/train/trainer.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/io/run.hpp"
#include "src/io/weights.hpp"
#include "src/train/constraint.hpp"
#include "src/train/exchange.hpp"
#include "src/train/memory.hpp"
#include "src/train/schedule.hpp"
#include "src/train/step.hpp"
#include "src/train/tracking.hpp"

namespace taut::train {
namespace {

// What stays the same while one call of train() lasts.
struct Session {
  const TrainOptions& options;
  const TrainContext& context;
  const data::Dataset& dataset;
  const Stopwatch watch;
  const double seconds_before;  // in earlier sessions
  int64_t saved_step = -1;
  bool begun = false;
};

// Has the first rank write something into the folder, which is made ready for the run only now: a
// training that comes to nothing leaves what was there.
void write(Session& session, const std::function<void()>& what) {
  team::on_first(session.context.team, [&] {
    if (!session.begun && session.context.begin) session.context.begin();
    what();
  });
  session.begun = true;
}

void save(Session& session, State& state, bool best) {
  if (session.saved_step == state.step && !best) return;
  read_losses(state);
  state.seconds = session.seconds_before + session.watch.seconds();
  const team::Team& team = session.context.team;
  if (team.size > 1) team::require_same(team, io::fingerprint(state.network), "weights");
  share_state(state.optimizer);
  write(session, [&] {
    io::save_run_checkpoint(session.context.folder,
                            snapshot(state, session.context, session.options),
                            static_cast<int>(session.options.keep), best);
  });
  session.saved_step = state.step;
}

constexpr int64_t kTrackedExamples = 64, kEvaluatedImages = 256;

at::Tensor tracked_input(const Session& session, at::Device device) {
  const data::Split& split = session.dataset.validation;
  const int64_t count =
      std::min({data::size(session.dataset, split), session.options.batch, kTrackedExamples});
  return data::gather(session.dataset, split, at::arange(count, at::kLong)).input.to(device);
}

struct Judgement {
  bool best = false;  // the best network so far
  Tracking tracking;
};

Judgement judge(const Session& session, State& state) {
  const TrainOptions& o = session.options;
  const bool images = session.dataset.input.kind == models::InputKind::pixels;
  const int64_t batch = images ? std::max(o.batch, kEvaluatedImages) : o.batch;
  state.validation = evaluate(state.network, session.dataset, session.dataset.validation,
                              o.evaluate_examples, batch, session.context.team);
  Judgement judgement{
      false, track(state.network, tracked_input(session, models::device_of(state.network)))};
  state.bound = judgement.tracking.log10_bound;
  const auto [loss, accuracy] = state.validation;
  // While caps fall, a network is none that the run was asked for.
  const bool within = cap_factor(o.constraint, state.step, o.steps) <= 1;
  const bool better =
      accuracy > state.best_accuracy || (accuracy == state.best_accuracy && loss < state.best_loss);
  judgement.best = within && better;
  if (judgement.best) {
    state.best_accuracy = accuracy;
    state.best_loss = loss;
  }
  return judgement;
}

Line line_of(const Session& session, const State& state) {
  const TrainOptions& o = session.options;
  const double rate =
      state.step > 0 ? rate_multiplier(o.schedule, state.step - 1, o.steps, o.warmup) : 0;
  return {state.step,
          state.tally,
          state.validation.loss,
          state.validation.accuracy,
          o.optimizer.lr * rate,
          state.bound,
          session.seconds_before + session.watch.seconds(),
          {}};
}

std::string progress_of(const Session& session, const State& state, const Line& line) {
  const TrainOptions& o = session.options;
  const double left = static_cast<double>(o.steps - state.step) * ms_per_step(state) / 1000;
  const bool text = session.dataset.input.kind == models::InputKind::tokens;
  const char* const rows = !text                                   ? "images"
                           : data::one_label_each(session.dataset) ? "sentences"
                                                                   : "tokens";
  return progress(line, o.steps, left, rows);
}

void run(Session& session, State& state) {
  const TrainOptions& o = session.options;
  data::Order order = order_of(o, session.dataset);
  const team::Team& team = session.context.team;
  Progress out;
  while (state.step < o.steps && !team::any(team, interrupted())) {
    advance(state, session.dataset, order, o);
    const bool evaluates = due(state.step, o.evaluate_every, o);
    const Judgement judgement = evaluates ? judge(session, state) : Judgement();
    Line line = line_of(session, state);
    if (evaluates) {
      line.tracking = judgement.tracking;
      write(session, [&] { io::append_metrics(session.context.folder, json(line)); });
      state.tally = {};
    }
    if (judgement.best || due(state.step, o.checkpoint_every, o))
      save(session, state, judgement.best);
    out.show(progress_of(session, state, line), state.step == o.steps);
  }
  save(session, state, /*best=*/false);
}

TrainSummary summary_of(const TrainOptions& options, const State& state) {
  TrainSummary summary;
  summary.step = state.step;
  summary.loss = state.validation.loss;
  summary.accuracy = state.validation.accuracy;
  summary.best_accuracy = state.best_accuracy;
  summary.bound = state.bound;
  const bool done = state.step == options.steps;
  summary.evaluated = done ? state.step : state.step - state.step % options.evaluate_every;
  summary.seconds = state.seconds;
  summary.ms_per_step = ms_per_step(state);
  summary.parameters = models::parameter_count(state.network);
  summary.interrupted = state.step < options.steps;
  return summary;
}

}  // namespace

TrainSummary train(const TrainOptions& options, const TrainContext& context,
                   const io::Checkpoint* resume) {
  check(options);
  const team::Team& team = context.team;
  check(options, team);
  const data::Dataset dataset = data::open_dataset(options.data);
  TrainContext known = context;
  known.provenance[kDataSource] = dataset.source;
  State state = resume != nullptr ? resumed_state(options, dataset, *resume, team)
                                  : fresh_state(options, dataset, team);
  check(options, state.network);
  check_rows(state.network, dataset);
  // Who begins has asked before a folder was touched; here it would cost three passes again.
  if (resume != nullptr) check_slice_memory(state.network, dataset, options, team);
  team::require_same(team, fmt::format("{}, step {}", context.config, state.step),
                     "configuration and step");
  share_weights(state.optimizer);
  if (resume != nullptr)
    team::on_first(team, [&] { io::truncate_metrics(context.folder, state.step); });
  Session session{options, known, dataset, Stopwatch(), state.seconds};
  if (resume != nullptr) session.saved_step = state.step;
  run(session, state);
  return summary_of(options, state);
}

}  // namespace taut::train
