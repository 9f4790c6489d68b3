#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>
#include <map>
#include <optional>
#include <set>

#include "src/cli/config.hpp"
#include "src/cli/options.hpp"
#include "src/cli/unused.hpp"
#include "src/train/precision.hpp"
#include "src/train/step.hpp"
#include "tests/cli/forked.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// What is said of the words after `taut train PRESET`; empty when all of them are read.
std::string said(const std::string& preset, const std::string& words) {
  CLI::App app;
  train::TrainOptions options;
  cli::add_train_options(app, options);
  app.parse(words);
  const std::set<std::string> given = cli::given_options(app);
  cli::apply_config(app, cli::config_text(preset), preset);
  return error_of([&] { cli::refuse_unused(given, options); });
}

// A value that is not the one of small_run().
std::string other_value(const std::string& option, bool images) {
  static const std::map<std::string, std::string> values = {
      {"data.context", "8"},
      {"data.tokenizer", "byte"},
      {"model.heads", "4"},
      {"model.patch", "1"},
      {"model.expansion", "2"},
      {"model.residual_add", "0.6"},
      {"model.logit_scale", "0.5"},
      {"model.clamp", "0.1"},
      {"model.output_scale", "3"},
      {"model.position_bias", "false"},
      {"model.zero_outputs", "true"},
      {"model.query_key_clamp", "0.01"},
      {"model.query_key_norm", "true"},
      {"optimizer.momentum", "0.5"},
      {"optimizer.momentum_start", "0.6"},
      {"optimizer.momentum_warmup", "0.9"},
      {"optimizer.nesterov", "true"},
      {"optimizer.polar", "polar_express"},
      {"optimizer.polar_steps", "4"},
      {"optimizer.beta1", "0.5"},
      {"optimizer.beta2", "0.5"},
      {"optimizer.eps", "0.1"},
      {"optimizer.vector_lr", "0.1"},
      {"constraint.attention", "stiefel"},
      {"constraint.table", "none"},
      {"constraint.heads", "fused"},
      {"constraint.w_max", "0.4"},
      {"constraint.w_max_query_key", "0.4"},
      {"constraint.w_max_value", "0.4"},
      {"constraint.w_max_head", "0.4"},
      {"constraint.table_rms", "0.3"},
      {"constraint.decay", "5"},
      {"loss.adversarial_steps", "1"},
  };
  if (option == "loss.threat") return images ? "linf" : "one_token";
  return values.at(option);
}

// name, style, optimizer, constraint.
train::TrainOptions small_run(const std::string& name, const std::string& style,
                              const std::string& optimizer, const std::string& constraint) {
  train::TrainOptions o;
  o.data.name = name == "gpt" ? "synthetic_text" : "synthetic";
  o.data.context = 12;
  o.model = {.name = name, .style = style, .width = 8, .blocks = 1, .heads = 2, .patch = 2};
  o.model.zero_outputs = false;
  o.optimizer.name = optimizer;
  o.optimizer.lr = 0.02;
  o.optimizer.momentum_start = 0.1;
  o.optimizer.momentum_warmup = 0.5;
  o.optimizer.polar = "muon5";
  o.constraint.name = constraint;
  o.steps = 3;
  o.batch = 4;
  o.slices = 1;
  return o;
}

std::vector<train::TrainOptions> small_runs() {
  std::vector<train::TrainOptions> runs;
  for (const char* name : {"mlp", "vit", "gpt"}) {
    for (const char* style : {"lipschitz", "standard"}) {
      for (const char* optimizer : {"muon", "adamw", "sgd"}) {
        for (const char* constraint : {"none", "hard_cap", "spectral_weight_decay"}) {
          runs.push_back(small_run(name, style, optimizer, constraint));
        }
      }
    }
    train::TrainOptions o = small_run(name, "lipschitz", "muon", "none");
    o.constraint.head = "hard_cap";
    o.model.position_bias = false;
    runs.push_back(o);
    o = small_run(name, "standard", "muon", "none");
    o.model.norm = "rms";
    o.constraint.attention = "hard_cap";
    o.constraint.w_max_query_key = o.constraint.w_max_value = 0.7;
    runs.push_back(o);
    o = small_run(name, "lipschitz", "adamw", "hard_cap");
    o.loss.certified_eps = 0.1;
    runs.push_back(o);
    runs.push_back(small_run(name, "lipschitz", "muon", "weight_decay"));
    o.loss.adversarial_eps = o.data.name == "synthetic" ? 0.2 : 0;
    runs.push_back(o);
  }
  return runs;
}

// Weights after all steps, and what the network makes of examples; nothing where it is refused.
std::optional<std::vector<at::Tensor>> trained(const train::TrainOptions& o) {
  try {
    train::check(o);
    const data::Dataset dataset = data::open_dataset(o.data);
    train::State state = train::fresh_state(o, dataset);
    train::check(o, state.network);
    data::Order order = train::order_of(o, dataset);
    while (state.step < o.steps) train::advance(state, dataset, order, o);
    std::vector<at::Tensor> all;
    models::for_each_tensor(state.network, [&](const std::string&, at::Tensor& w, models::Role) {
      all.push_back(w.detach());
    });
    const at::NoGradGuard no_grad;
    const auto batch = data::gather(dataset, dataset.validation, at::arange(4, at::kLong));
    all.push_back(train::logits_in("fp32", state.network, batch.input));
    return all;
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i], b[i])) return false;
  }
  return true;
}

train::TrainOptions with(train::TrainOptions options, const std::string& option,
                         const std::string& value) {
  CLI::App app;
  cli::add_train_options(app, options);
  app.parse("--" + option + " " + value);
  return options;
}

bool refuses(const std::string& option, const train::TrainOptions& options) {
  return !error_of([&] { cli::refuse_unused({option}, options); }).empty();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unused_test)

BOOST_AUTO_TEST_CASE(every_rule_is_of_an_option) {
  CLI::App app;
  train::TrainOptions options;
  cli::add_train_options(app, options);
  for (const cli::Unused& rule : cli::unused_rules()) {
    BOOST_TEST(app.get_option_no_throw(std::string("--") + rule.option) != nullptr, rule.option);
  }
}

BOOST_AUTO_TEST_CASE(what_nothing_reads_is_refused_with_a_reason) {
  BOOST_TEST(said("digits-mlp", "--model.heads 8") == "--model.heads: an mlp has no attention");
  BOOST_TEST(said("digits-mlp", "--constraint.table none") ==
             "--constraint.table: an mlp has no tables");
  BOOST_TEST(said("digits-vit", "--data.context 32") ==
             "--data.context: model.name mlp and vit read images, which have no tokens");
  BOOST_TEST(said("digits-vit-baseline", "--model.clamp 1") ==
             "--model.clamp: belongs to model.style lipschitz");
  BOOST_TEST(said("digits-vit", "--model.position_bias true") ==
             "--model.position_bias: belongs to model.name gpt");
  BOOST_TEST(said("digits-vit-baseline", "--optimizer.nesterov true") ==
             "--optimizer.nesterov: belongs to optimizer.name muon and sgd");
  BOOST_TEST(said("digits-vit", "--optimizer.beta2 0.9") ==
             "--optimizer.beta2: this network has no vectors, which muon would leave to AdamW");
  BOOST_TEST(said("digits-vit", "--constraint.name none --constraint.w_max 2") ==
             "--constraint.w_max: nothing is capped by it");
  BOOST_TEST(said("digits-vit", "--constraint.decay 0.1") ==
             "--constraint.decay: no constraint is a decay");
  BOOST_TEST(said("digits-mlp", "--loss.threat linf") ==
             "--loss.threat: loss.certified_eps and loss.adversarial_eps are 0");
}

BOOST_AUTO_TEST_CASE(what_the_whole_call_reads_is_not_refused) {
  for (const auto& [preset, words] : std::vector<std::pair<std::string, std::string>>{
           {"digits-mlp", "--model.name vit --model.heads 8 --constraint.attention hard_cap"},
           {"digits-mlp",
            "--constraint.name none --constraint.head hard_cap "
            "--constraint.w_max_head 2"},
           {"digits-mlp", "--loss.adversarial_eps .1 --loss.adversarial_steps 3 --loss.threat l2"},
           {"digits-mlp-baseline", "--optimizer.name muon --optimizer.vector_lr 0.01"},
           {"digits-vit",
            "--constraint.name none --constraint.attention hard_cap "
            "--constraint.w_max 2 --constraint.w_max_value 3"},
           {"digits-vit", "--constraint.head spectral_weight_decay --constraint.decay 0.1"},
           {"digits-vit", "--constraint.table weight_decay --constraint.decay 0.1"},
           {"digits-vit",
            "--optimizer.name sgd --constraint.name hard_cap "
            "--optimizer.nesterov true --constraint.heads fused"},
           {"cifar-mlp", "--loss.certified_eps 0 --data.flip false --optimizer.polar_steps 0"},
           {"shakespeare-gpt", "--optimizer.vector_lr 0.01 --optimizer.beta1 0.8"},
           {"shakespeare-gpt-2m-baseline", "--optimizer.name muon --schedule linear --warmup 0"},
           {"sst2", "--data.tokenizer word --data.vocabulary 100 --loss.threat one_token"},
       }) {
    BOOST_TEST(said(preset, words) == "", preset << " " << words);
  }
}

// The rules against the trainer: with and without, all bits are the same. What no rule refuses
// matters somewhere, so that the values tried here are none that change nothing anyway.
BOOST_AUTO_TEST_CASE(what_is_refused_changes_nothing) {
  std::set<std::string> options, matter;
  for (const cli::Unused& rule : cli::unused_rules()) options.insert(rule.option);
  for (const train::TrainOptions& run : small_runs()) {
    const auto plain = trained(run);
    const std::string what = run.model.name + " " + run.model.style + " " + run.optimizer.name +
                             " " + run.constraint.name;
    BOOST_TEST_REQUIRE(plain.has_value(), what);
    for (const std::string& option : options) {
      const bool refused_here = refuses(option, run);
      if (!refused_here && matter.contains(option)) continue;
      const auto changed =
          trained(with(run, option, other_value(option, run.data.name == "synthetic")));
      if (!changed) continue;  // refused elsewhere
      if (refused_here) BOOST_TEST(same(*plain, *changed), what << ": " << option);
      if (!refused_here && !same(*plain, *changed)) matter.insert(option);
    }
  }
  for (const std::string& option : options) BOOST_TEST(matter.contains(option), option);
}

BOOST_AUTO_TEST_CASE(a_complete_configuration_may_say_what_nothing_reads) {
  const TempFolder folder;
  const std::string out = (folder / "x").string();
  refused(call(folder, {"train", "digits-mlp", "--model.patch", "4", "--out", out}),
          "--model.patch: belongs to model.name vit");
  BOOST_TEST(!std::filesystem::exists(out));
  const Outcome printed = done(call(folder, {"train", "digits-mlp", "--print-config"}));
  BOOST_TEST(contains(printed.out, "patch = "));
  std::ofstream(folder / "all.toml") << printed.out;
  const std::string all = (folder / "all.toml").string();
  BOOST_TEST(done(call(folder, {"train", all, "--print-config"})).out == printed.out);
  refused(call(folder, {"train", all, "--constraint.heads", "fused", "--print-config"}),
          "--constraint.heads: an mlp has no attention");
}

// Of any source: a start that moves no cap would keep every checkpoint from being the best.
BOOST_AUTO_TEST_CASE(without_a_cap_none_moves_or_waits) {
  const TempFolder folder;
  const std::string config = (folder / "free.toml").string();
  const auto with_line = [&](const std::string& line) {
    std::ofstream(config) << "[model]\nname = \"mlp\"\n[constraint]\nname = \"none\"\n" << line;
    return call(folder, {"train", config, "--print-config"});
  };
  refused(with_line("start = 3"), "constraint.start: no matrix is capped");
  refused(with_line("lazy = true"), "constraint.lazy: no matrix is capped");
  // Of attention, which an mlp has not.
  refused(with_line("start = 3\nattention = \"hard_cap\""), "constraint.start");
  done(with_line("start = 3\nhead = \"hard_cap\""));
  done(with_line("start = 1\nlazy = false"));
}

BOOST_AUTO_TEST_CASE(a_run_prints_its_configuration_and_does_not_go_on) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  auto words = tiny_train("digits-mlp", "synthetic", run);
  done(call(folder, words));
  words.push_back("--print-config");
  const std::string config = done(call(folder, words)).out;
  const std::string before = slurp(folder / "run" / "checkpoint.h5");
  BOOST_TEST(done(call(folder, {"train", "--resume", run, "--print-config"})).out == config);
  BOOST_TEST(slurp(folder / "run" / "checkpoint.h5") == before);
  refused(call(folder, {"train", "--resume", run + "x", "--print-config"}), "is not a folder");
}

BOOST_AUTO_TEST_SUITE_END()
