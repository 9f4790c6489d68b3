#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <unistd.h>

#include <fstream>

#include "certify/certify.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/train/exchange.hpp"
#include "src/train/state.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

#include <torch/csrc/autograd/autograd.h>

#include "models/models.hpp"
#include "src/train/loss.hpp"

// team_driver WHAT ...: what the tests of several ranks start. Exit status 0, or 2 and a line.
namespace {

using namespace taut;
using Words = std::vector<std::string>;

at::Tensor row(int rank, at::ScalarType type, int64_t count) {
  return (at::arange(count, at::kDouble) + 100 * rank).to(type);
}

// Every transfer on every type, with tensors of no, one and many entries.
void check_transfers(const team::Team& team) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong, at::kByte}) {
    for (const int64_t count : {0, 1, 70001}) {
      for (int owner = 0; owner < team.size; ++owner) {
        const at::Tensor own = row(team.rank, type, count), sent = own.clone();
        const at::Tensor all =
            team.rank == owner ? at::empty({team.size, count}, own.options()) : at::Tensor();
        team::Pending gathered = team::start_gather(team, own, all, owner);
        team::Pending spread = team::start_broadcast(team, sent, owner);
        for (int i = 0; i < 3; ++i) gathered.poll();
        spread.wait();
        gathered.wait();
        require(at::equal(sent, row(owner, type, count)), "broadcast of {}", toString(type));
        require(at::equal(own, row(team.rank, type, count)), "gather changed its part");
        for (int rank = 0; team.rank == owner && rank < team.size; ++rank) {
          require(at::equal(all[rank], row(rank, type, count)), "gather of {}", toString(type));
        }
      }
    }
  }
}

void check_agreements(const team::Team& team) {
  const at::Tensor sum = at::full({3}, team.rank + 1, at::kDouble);
  team::sum(team, sum);
  require((sum == team.size * (team.size + 1) / 2).all().item<bool>(), "the sum is wrong");
  require(!team::any(team, false), "nobody said yes");
  for (int rank = 0; rank < team.size; ++rank) {
    require(team::any(team, team.rank == rank), "rank {} said yes", rank);
  }
  int calls = 0;
  team::on_first(team, [&] { ++calls; });
  require(calls == (team.rank == 0 ? 1 : 0), "on_first called rank {}", team.rank);
  const std::string problem =
      test::error_of([&] { team::on_first(team, [] { fail("no space"); }); });
  require(team::place_on_machine(team) == team.rank, "all ranks are on this machine");
  require(problem == "no space", "a failure of the first rank was '{}'", problem);
  team::require_same(team, "text", "text");
  team::require_same(team, "", "nothing");
  for (int odd = 0; team.size > 1 && odd < team.size; ++odd) {
    const std::string text = team.rank == odd ? "text!" : "text";
    const std::string what = test::error_of([&] { team::require_same(team, text, "text"); });
    require(test::contains(what, "same text"), "rank {} was not found out: '{}'", odd, what);
  }
  if (team.size == 1) return;
  const std::string strided = test::error_of([&] {
    team::broadcast(team, at::zeros({4, 4}).t().slice(0, 0, 4, 2), 0);
  });
  require(test::contains(strided, "contiguous"), "strides were sent");
}

// How many gradients were on their way before a backward pass had ended; their sums are right.
void check_gradients(const team::Team& team) {
  const train::TrainOptions o = test::named_run("vit");
  const data::Dataset dataset = data::open_dataset(o.data);
  const train::State state = train::fresh_state(o, dataset, team);
  const data::Batch batch = data::gather(dataset, dataset.train, at::arange(8, at::kLong));
  const at::Tensor loss =
      train::cross_entropy(models::forward(state.network, batch.input), batch.label);
  const auto leaves = train::leaves(state.optimizer.groups);
  const auto alone = torch::autograd::grad({loss}, leaves, {}, /*retain_graph=*/true);
  train::GradientSums sums(state.optimizer);
  sums.expect_last();
  const auto gradients = torch::autograd::grad({loss * (team.rank + 1)}, leaves);
  const size_t early = sums.sent_early();
  const auto summed = sums.finish(gradients);
  size_t i = 0, owned = 0;
  for (const train::Group& group : state.optimizer.groups) {
    for (size_t j = 0; j < group.members.size(); ++j, ++i) {
      if (group.owner != team.rank) continue;
      ++owned;
      const double times = team.size * (team.size + 1) / 2;
      require(at::allclose(summed[i], alone[i] * times, 1e-5, 1e-8), "a wrong sum of {}",
              group.members[j].path);
    }
  }
  require(owned > 0, "rank {} owns nothing", team.rank);
  if (team.rank == 0) fmt::print("early {} of {}\n", early, leaves.size());
}

// A certificate that the program contradicts where the last rank looks is refused by every rank.
void check_refusal(const team::Team& team) {
  const train::TrainOptions o = test::named_run("vit");
  const data::Dataset dataset = data::open_dataset(o.data);
  const train::State state = train::fresh_state(o, dataset);
  const data::Batch batch = data::gather(dataset, dataset.validation, at::arange(8, at::kLong));
  const models::Threat l2 = models::parse_threat("l2", state.network.input);
  certify::CertifyOptions options;
  options.batch = 8 / team.size;
  options.team = team;
  certify::Certificate c = certify::certify(state.network, batch.input, batch.label, {l2}, options);
  c.threats[0].radius_deployed.fill_(0.1);
  certify::require_kept(state.network, batch.input, c, options.batch, team);
  c.prediction[7] = (c.prediction[7].item<int64_t>() + 1) % 3;
  const std::string what = test::error_of(
      [&] { certify::require_kept(state.network, batch.input, c, options.batch, team); });
  require(test::contains(what, "row 7"), "rank {} did not refuse: '{}'", team.rank, what);
}

// RUN FOLDER SLICES STEPS: from its newest checkpoint where there is one.
void train_there(const team::Team& team, const Words& words) {
  const std::filesystem::path folder = words.at(2);
  if (team.rank > 0) std::ofstream(folder.string() + ".pid") << getpid() << "\n";
  train::TrainOptions o = test::named_run(words.at(1));
  o.slices = std::stoll(words.at(3));
  o.steps = std::stoll(words.at(4));
  train::TrainContext context = test::context_in(folder);
  context.team = team;
  const bool resumes = std::filesystem::exists(folder / "checkpoint.h5");
  io::Checkpoint last;
  if (resumes) last = io::load_run_checkpoint(folder, "last");
  if (!resumes) team::on_first(team, [&] { io::create_run(folder, /*force=*/true); });
  const train::TrainSummary summary = train::train(o, context, resumes ? &last : nullptr);
  if (team.rank == 0) fmt::print("step {}\n", summary.step);
}

void run(const team::Team& team, const Words& words) {
  const std::string what = words.at(0);
  if (what == "transfers") {
    check_transfers(team);
    check_agreements(team);
  } else if (what == "gradients") {
    check_gradients(team);
  } else if (what == "refusal") {
    check_refusal(team);
  } else if (what == "train") {
    train_there(team, words);
  } else if (what == "fail") {  // the ranks in words, while the others wait for them
    for (const std::string& word : words)
      require(word != std::to_string(team.rank), "lost {}", word);
    team::sum(team, at::zeros({1}));
  } else {
    fail("unknown '{}'", what);
  }
}

}  // namespace

int main(int count, char** words) {
  std::string complaint;
  try {
    at::set_num_threads(1);
    const team::Team team = team::join();
    catch_interrupts();
    set_talkative(false);
    run(team, Words(words + 1, words + count));
  } catch (const std::exception& error) {
    complaint = error.what();
  }
  return team::finish(complaint.empty() ? 0 : 2, complaint);
}
