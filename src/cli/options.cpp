#include "src/cli/options.hpp"

#include <limits>
#include <type_traits>

#include "src/cli/checks.hpp"
#include "src/cli/config.hpp"
#include "src/core/core.hpp"
#include "src/train/constraint.hpp"
#include "src/train/device.hpp"
#include "src/train/precision.hpp"

namespace taut::cli {
namespace {

// Options remember their default, so that --print-config and --help show it.
template <class T>
CLI::Option* add(CLI::App& command, const std::string& name, T& value, const std::string& help) {
  CLI::Option* const option =
      command.add_option("--" + name, value, help)->capture_default_str()->take_last();
  if constexpr (std::is_same_v<T, bool>) option->check(truth());
  return option;
}

// Of TOML's whole numbers the largest is 2^63 - 1, and a stored configuration is TOML.
CLI::Validator seed() { return whole_number(0, std::numeric_limits<int64_t>::max()); }

void add_model_options(CLI::App& command, models::Architecture& model) {
  add(command, "model.name", model.name, "mlp, vit, gpt or text (one label a sequence)")
      ->check(CLI::IsMember(models::architecture_names()));
  add(command, "model.style", model.style,
      "lipschitz: capped, no norm layers; standard: a norm before every branch")
      ->check(CLI::IsMember({"lipschitz", "standard"}));
  add(command, "model.width", model.width, "model width; hidden width of an mlp")->check(count(1));
  add(command, "model.blocks", model.blocks, "transformer blocks; hidden layers of an mlp")
      ->check(count(1));
  add(command, "model.heads", model.heads, "attention heads; divides the width")->check(count(1));
  add(command, "model.patch", model.patch, "pixels along a patch (vit)")->check(count(1));
  add(command, "model.expansion", model.expansion, "mlp block: hidden width over model width")
      ->check(count(1));
  add(command, "model.residual_add", model.residual_add,
      "lipschitz: weight a of x <- (1 - a) x + a branch(x), in (0, 1)")
      ->check(fraction());
  add(command, "model.logit_scale", model.logit_scale, "lipschitz: logits = scale <q, k> / d_head")
      ->check(at_least(0));
  add(command, "model.clamp", model.clamp, "lipschitz: RMS radius of the ball clamps; 0: none")
      ->check(at_least(0));
  add(command, "model.activation", model.activation, join(models::curve_names(), ", "))
      ->check(CLI::IsMember(models::curve_names()));
  add(command, "model.output_scale", model.output_scale, "lipschitz: gain of the last layer")
      ->check(at_least(0));
  add(command, "model.rotary", model.rotary, "gpt: base of the rotary angles, e.g. 10000; 0: none")
      ->check(at_least(0));
  add(command, "model.position_bias", model.position_bias,
      "gpt, lipschitz: a learned logit for every distance (true, false)");
  add(command, "model.token_shift", model.token_shift,
      "gpt: branches read a learned convex mixture of a token and as many before it")
      ->check(count(0));
  add(command, "model.zero_outputs", model.zero_outputs,
      "the last matrix of every branch starts at zero (true, false)");
  add(command, "model.query_key_clamp", model.query_key_clamp,
      "lipschitz: RMS radius of the clamp on queries and keys; 0: none")
      ->check(at_least(0));
  add(command, "model.norm", model.norm,
      "standard: layer (LayerNorm, biases everywhere) or rms (RMSNorm, no biases)")
      ->check(CLI::IsMember({"layer", "rms"}));
  add(command, "model.query_key_norm", model.query_key_norm,
      "standard: RMS norm of queries and keys (true, false)");
  add(command, "model.logit_cap", model.logit_cap, "standard: logits = c tanh(z / c); 0: none")
      ->check(at_least(0));
}

void add_loss_options(CLI::App& command, train::LossOptions& l) {
  add(command, "loss.temperature", l.temperature, "logits are divided by it")->check(above(0));
  add(command, "loss.smoothing", l.smoothing,
      "share of the label that all classes have alike, in [0, 1)")
      ->check(share());
  add(command, "loss.margin", l.margin, "logits added to every rival")->check(at_least(0));
  add(command, "loss.certified_eps", l.certified_eps,
      "size at which a certificate is asked for: eps K ||w_y - w_j|| more for rival j; 0: none")
      ->check(at_least(0));
  add(command, "loss.adversarial_eps", l.adversarial_eps,
      "images are moved by PGD within this ball first; 0: not at all")
      ->check(at_least(0));
  add(command, "loss.adversarial_steps", l.adversarial_steps, "gradient steps of that PGD")
      ->check(count(1));
  add(command, "loss.threat", l.threat, "norm of both sizes; empty: the network's first threat");
}

void add_constraint_options(CLI::App& command, train::ConstraintOptions& c) {
  const auto& names = train::constraint_names();
  std::vector<std::string> or_empty = names;
  or_empty.emplace_back("");
  std::vector<std::string> of_tables = or_empty;  // the trainer says why it takes but a few
  of_tables.emplace_back("row_cap");
  add(command, "constraint.name", c.name,
      "none, soft_cap (muon), hard_cap, spectral_normalize, stiefel, hammer, "
      "spectral_weight_decay or weight_decay")
      ->check(CLI::IsMember(names));
  add(command, "constraint.attention", c.attention, "of query, key and value; empty: as name")
      ->check(CLI::IsMember(or_empty));
  add(command, "constraint.head", c.head, "of the last layer; empty: as name")
      ->check(CLI::IsMember(or_empty));
  add(command, "constraint.table", c.table,
      "row_cap, weight_decay or none; empty: row_cap unless name is none")
      ->check(CLI::IsMember(of_tables));
  add(command, "constraint.heads", c.heads,
      "per_head: each block of query, key and value is a matrix; fused: their stack is")
      ->check(CLI::IsMember({"per_head", "fused"}));
  add(command, "constraint.w_max", c.w_max, "RMS->RMS cap of hidden matrices")->check(at_least(0));
  add(command, "constraint.w_max_query_key", c.w_max_query_key, "of query and key; 0: w_max")
      ->check(at_least(0));
  add(command, "constraint.w_max_value", c.w_max_value, "of value; 0: w_max")->check(at_least(0));
  add(command, "constraint.w_max_head", c.w_max_head, "RMS->RMS cap of the last layer")
      ->check(at_least(0));
  add(command, "constraint.table_rms", c.table_rms, "RMS cap of table rows")->check(at_least(0));
  add(command, "constraint.lazy", c.lazy,
      "muon: project only when a bound carried from step to step is above the cap (true, false)");
  add(command, "constraint.start", c.start,
      "factor of the caps of matrices at first; it moves geometrically to 1")
      ->check(above(0));
  add(command, "constraint.decay", c.decay,
      "share of the largest singular value (spectral_weight_decay) or of all entries "
      "(weight_decay), per unit of lr")
      ->check(at_least(0));
}

void add_optimizer_options(CLI::App& command, train::OptimizerOptions& o) {
  add(command, "optimizer.name", o.name, "muon, adamw or sgd")
      ->check(CLI::IsMember({"muon", "adamw", "sgd"}));
  add(command, "optimizer.lr", o.lr, "learning rate before the schedule")->check(above(0));
  add(command, "optimizer.momentum", o.momentum, "muon, sgd: decay of the gradient average")
      ->check(share());
  add(command, "optimizer.momentum_start", o.momentum_start, "where its warm-up begins")
      ->check(share());
  add(command, "optimizer.momentum_warmup", o.momentum_warmup,
      "share of the steps in which momentum rises from there")
      ->check(share());
  add(command, "optimizer.nesterov", o.nesterov, "muon, sgd: look ahead (true, false)");
  add(command, "optimizer.polar", o.polar, "muon: muon5, modula6 or polar_express");
  add(command, "optimizer.polar_steps", o.polar_steps, "muon: steps of the set; 0: its default")
      ->check(count(0));
  add(command, "optimizer.weight_decay", o.weight_decay, "decoupled decay of matrices")
      ->check(at_least(0));
  add(command, "optimizer.beta1", o.beta1, "adamw")->check(share());
  add(command, "optimizer.beta2", o.beta2, "adamw")->check(share());
  add(command, "optimizer.eps", o.eps, "adamw")->check(above(0));
  add(command, "optimizer.vector_lr", o.vector_lr, "muon: AdamW rate of vectors")->check(above(0));
}

}  // namespace

void add_train_options(CLI::App& command, train::TrainOptions& t) {
  add(command, "data.name", t.data.name,
      "digits, cifar10, mnist, shakespeare, sst2, text:PATH, shards:FOLDER, synthetic or "
      "synthetic_text");
  add(command, "data.context", t.data.context, "text: tokens in one window")->check(count(1));
  add(command, "data.tokenizer", t.data.tokenizer,
      "text: byte, character, word (sst2) or bpe:FOLDER; empty: the data set's own");
  add(command, "data.vocabulary", t.data.vocabulary,
      "sst2: words kept, 0: all seen twice; else rows of the table, more than ids to pad, 0: as "
      "many")
      ->check(count(0));
  add(command, "data.flip", t.data.augmentation.flip,
      "training images: left to right, every second one (true, false)");
  add(command, "data.shift", t.data.augmentation.shift,
      "training images: pixels of black border in which the window lies")
      ->check(count(0));
  add(command, "data.noise", t.data.augmentation.noise,
      "training texts: share of input tokens replaced by others of the batch, in [0, 1)")
      ->check(share());
  add_model_options(command, t.model);
  add_optimizer_options(command, t.optimizer);
  add_constraint_options(command, t.constraint);
  add_loss_options(command, t.loss);
  add(command, "steps", t.steps, "optimizer steps")->check(count(1));
  add(command, "batch", t.batch, "examples per step")->check(count(1));
  add(command, "precision", t.precision, "of the products of a step: fp32, or bf16 by autocast")
      ->check(CLI::IsMember(train::precision_names()));
  add(command, "device", t.device, "of the steps: cpu, or cuda, a GPU for every process")
      ->check(CLI::IsMember(train::device_names()));
  add(command, "slices", t.slices,
      "parts of a batch whose gradients are summed, one after the other or by processes that share "
      "them")
      ->check(count(1));
  add(command, "schedule", t.schedule, "constant, or linear or cosine decay to zero")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}));
  add(command, "warmup", t.warmup, "share of the steps with a rising rate")->check(share());
  add(command, "evaluate_every", t.evaluate_every, "steps")->check(count(1));
  add(command, "evaluate_examples", t.evaluate_examples,
      "validation examples looked at while training")
      ->check(count(1));
  add(command, "checkpoint_every", t.checkpoint_every, "steps")->check(count(1));
  add(command, "keep", t.keep, "numbered checkpoints kept")->check(count(1));
  add(command, "seed", t.seed, "of initial weights and data order")->check(seed());
}

void add_attack_options(CLI::App& command, attacks::AttackOptions& a, std::string& loss) {
  add(command, "steps", a.steps, "gradient steps of one PGD run")->check(count(1));
  add(command, "restarts", a.restarts, "random starts of one PGD run")->check(count(1));
  add(command, "search", a.search, "bisection rounds of the minimal-radius search; 0: none")
      ->check(count(0));
  add(command, "search_limit", a.search_limit,
      "largest eps the search tries; 0: from threat and data")
      ->check(at_least(0));
  add(command, "loss", loss, "cross_entropy, margin or dlr")
      ->check(CLI::IsMember({"cross_entropy", "margin", "dlr"}));
  add(command, "batch", a.batch, "rows at once")->check(count(1));
  add(command, "seed", a.seed, "of random starts")->check(seed());
}

void add_row_options(CLI::App& command, RowOptions& r) {
  add(command, "checkpoint", r.checkpoint, "best or last")->check(CLI::IsMember({"best", "last"}));
  add(command, "data", r.data, "data set; empty: the run's own");
  add(command, "tokenizer", r.tokenizer,
      "of text: byte, character, word or bpe:FOLDER; empty: the run's own");
  add(command, "examples", r.examples, "validation examples; 0: all")->check(count(0));
  add(command, "positions", r.positions, "positions per sequence, evenly spread; 0: all")
      ->check(count(0));
  command
      .add_option("--threat", r.threats,
                  "l2, linf on pixels; every_token, one_token, l2 on embeddings")
      ->delimiter(',');
  command
      .add_option("--eps", r.eps, "sizes in the threat's norm, fractions such as 36/255 allowed")
      ->delimiter(',');
  add(command, "relative", r.relative,
      "eps in units of embedding RMS times sqrt(width) (true, false)");
}

void add_weights_options(CLI::App& command, WeightsOptions& w) {
  const std::string names = join(models::foreign_names(), ", ");
  command.add_option("--model", w.model, "of foreign weights: " + names + ", or a .toml file")
      ->group(kCallGroup);
  command.add_option("--heads", w.foreign.heads, "of foreign weights: attention heads")
      ->check(count(1))
      ->group(kCallGroup);
  command
      .add_option("--activation", w.foreign.activation,
                  "of foreign weights: " + join(models::curve_names(), ", "))
      ->group(kCallGroup);
  command.add_option("--norm_eps", w.foreign.norm_eps, "of foreign weights: eps of layer norms")
      ->check(at_least(0))
      ->group(kCallGroup);
  command.add_option("--context", w.foreign.context, "of foreign weights: tokens in one sequence")
      ->check(count(1))
      ->group(kCallGroup);
  command.add_option("--mean", w.foreign.mean, "of foreign weights: subtracted from pixels")
      ->delimiter(',')
      ->group(kCallGroup);
  command.add_option("--std", w.foreign.std, "of foreign weights: divides pixels")
      ->delimiter(',')
      ->group(kCallGroup);
}

void add_results_folder(CLI::App& command, WeightsOptions& w) {
  command
      .add_option("--out", w.out,
                  "of a .safetensors file: folder of the results; default NAME.taut beside it")
      ->group(kCallGroup);
}

void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "print the summary as one JSON object on stdout")
      ->group(kCallGroup);
}

}  // namespace taut::cli
