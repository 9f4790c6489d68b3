#include "src/cli/unused.hpp"

#include "src/core/core.hpp"
#include "src/train/constraint.hpp"

namespace taut::cli {
namespace {

using models::Role;
using train::is_capped;
using Options = train::TrainOptions;

bool is_mlp(const Options& o) { return o.model.name == "mlp"; }
bool is_not_vit(const Options& o) { return o.model.name != "vit"; }
bool is_not_gpt(const Options& o) { return o.model.name != "gpt"; }
bool reads_images(const Options& o) { return o.model.name == "mlp" || o.model.name == "vit"; }
bool is_standard(const Options& o) { return o.model.style == "standard"; }

bool is_adamw(const Options& o) { return o.optimizer.name == "adamw"; }
bool is_sgd(const Options& o) { return o.optimizer.name == "sgd"; }
bool is_not_muon(const Options& o) { return o.optimizer.name != "muon"; }

// Whether models/architectures.cpp makes biases, gains, position biases or shifts: what Muon leaves
// to AdamW.
bool has_vectors(const models::Architecture& a) {
  if (a.style == "standard") return a.name != "mlp" || a.norm == "layer";
  return a.name == "gpt" && (a.position_bias || a.token_shift > 0);
}

bool is_muon_alone(const Options& o) { return !is_not_muon(o) && !has_vectors(o.model); }

bool free_attention(const Options& o) { return !is_capped(Role::query, o.constraint); }
bool free_head(const Options& o) { return !is_capped(Role::head, o.constraint); }
bool free_tables(const Options& o) { return !is_capped(Role::embedding, o.constraint); }

bool never_w_max(const Options& o) {
  const train::ConstraintOptions& c = o.constraint;
  const bool own = c.w_max_query_key > 0 && c.w_max_value > 0;
  return !is_capped(Role::hidden, c) && (is_mlp(o) || free_attention(o) || own);
}

// AdamW and SGD step entries, for which a stack of heads is as good as its blocks.
bool no_attention_matrix(const Options& o) {
  return is_not_muon(o) && train::method_of(Role::query, o.constraint) == "none";
}

bool never_decays(const Options& o) {
  const auto decays = [&](Role role) {
    const std::string method = train::method_of(role, o.constraint);
    return method == "spectral_weight_decay" || method == "weight_decay";
  };
  return !decays(Role::hidden) && !decays(Role::head) &&
         (is_mlp(o) || (!decays(Role::query) && !decays(Role::embedding)));
}

bool no_adversary(const Options& o) { return o.loss.adversarial_eps == 0; }
bool no_threat(const Options& o) { return no_adversary(o) && o.loss.certified_eps == 0; }

constexpr const char* kNoTokens = "model.name mlp and vit read images, which have no tokens";
constexpr const char* kNoAttention = "an mlp has no attention";
constexpr const char* kNoBranches = "an mlp has no branches";
constexpr const char* kNoTables = "an mlp has no tables";
constexpr const char* kLipschitz = "belongs to model.style lipschitz";
constexpr const char* kMuon = "belongs to optimizer.name muon";
constexpr const char* kMomentum = "belongs to optimizer.name muon and sgd";
constexpr const char* kAdam = "belongs to optimizer.name adamw, and to muon for vectors";
constexpr const char* kNoVectors = "this network has no vectors, which muon would leave to AdamW";

constexpr Unused kRules[] = {
    {"data.context", reads_images, kNoTokens},
    {"data.tokenizer", reads_images, kNoTokens},
    {"model.heads", is_mlp, kNoAttention},
    {"model.patch", is_not_vit, "belongs to model.name vit"},
    {"model.expansion", is_mlp, kNoBranches},
    {"model.residual_add", is_mlp, kNoBranches},
    {"model.residual_add", is_standard, kLipschitz},
    {"model.logit_scale", is_mlp, kNoAttention},
    {"model.logit_scale", is_standard, kLipschitz},
    {"model.clamp", is_mlp, kNoBranches},
    {"model.clamp", is_standard, kLipschitz},
    {"model.output_scale", is_standard, kLipschitz},
    {"model.position_bias", is_not_gpt, "belongs to model.name gpt"},
    {"model.position_bias", is_standard, kLipschitz},
    {"model.zero_outputs", is_mlp, kNoBranches},
    {"model.query_key_clamp", is_mlp, kNoAttention},
    {"model.query_key_norm", is_mlp, kNoAttention},
    {"optimizer.momentum", is_adamw, kMomentum},
    {"optimizer.momentum_start", is_adamw, kMomentum},
    {"optimizer.momentum_warmup", is_adamw, kMomentum},
    {"optimizer.nesterov", is_adamw, kMomentum},
    {"optimizer.polar", is_not_muon, kMuon},
    {"optimizer.polar_steps", is_not_muon, kMuon},
    {"optimizer.beta1", is_sgd, kAdam},
    {"optimizer.beta1", is_muon_alone, kNoVectors},
    {"optimizer.beta2", is_sgd, kAdam},
    {"optimizer.beta2", is_muon_alone, kNoVectors},
    {"optimizer.eps", is_sgd, kAdam},
    {"optimizer.eps", is_muon_alone, kNoVectors},
    {"optimizer.vector_lr", is_not_muon, kMuon},
    {"optimizer.vector_lr", is_muon_alone, kNoVectors},
    {"constraint.attention", is_mlp, kNoAttention},
    {"constraint.table", is_mlp, kNoTables},
    {"constraint.heads", is_mlp, kNoAttention},
    {"constraint.heads", no_attention_matrix,
     "attention is not constrained, and only muon steps whole matrices"},
    {"constraint.w_max", never_w_max, "nothing is capped by it"},
    {"constraint.w_max_query_key", is_mlp, kNoAttention},
    {"constraint.w_max_query_key", free_attention, "queries and keys are not capped"},
    {"constraint.w_max_value", is_mlp, kNoAttention},
    {"constraint.w_max_value", free_attention, "values are not capped"},
    {"constraint.w_max_head", free_head, "the last layer is not capped"},
    {"constraint.table_rms", is_mlp, kNoTables},
    {"constraint.table_rms", free_tables, "tables are not capped"},
    {"constraint.decay", never_decays, "no constraint is a decay"},
    {"loss.adversarial_steps", no_adversary, "loss.adversarial_eps is 0"},
    {"loss.threat", no_threat, "loss.certified_eps and loss.adversarial_eps are 0"},
};

}  // namespace

std::span<const Unused> unused_rules() { return kRules; }

std::set<std::string> given_options(const CLI::App& command) {
  std::set<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() > 0 && !option->get_lnames().empty()) {
      names.insert(option->get_lnames().front());
    }
  }
  return names;
}

void refuse_unused(const std::set<std::string>& given, const train::TrainOptions& options) {
  for (const Unused& rule : kRules) {
    require(!given.contains(rule.option) || !rule.when(options), "--{}: {}", rule.option, rule.why);
  }
}

}  // namespace taut::cli
