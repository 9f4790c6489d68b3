#include <algorithm>
#include <cmath>

#include "models/architectures.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

using Names = std::vector<std::string>;

void require_known(const char* what, const std::string& name, const Names& known) {
  require(std::find(known.begin(), known.end(), name) != known.end(), "{}",
          unknown_name(what, name, known));
}

void require_not_negative(const char* name, double value) {
  require(std::isfinite(value) && value >= 0, "model.{} must not be negative, got {}", name, value);
}

void require_positive(const char* name, double value) {
  require(std::isfinite(value) && value > 0, "model.{} must be positive, got {}", name, value);
}

void check_widths(const Architecture& a, int64_t classes) {
  require(
      a.width > 0 && a.blocks > 0 && a.heads > 0 && a.expansion > 0 && classes > 1,
      "model width, blocks, heads, expansion must be positive and classes at least 2, got {}, {}, "
      "{}, {}, {}",
      a.width, a.blocks, a.heads, a.expansion, classes);
  require(a.name == "mlp" || a.width % a.heads == 0, "model.heads {} must divide model.width {}",
          a.heads, a.width);
  const int64_t hidden = a.name == "mlp" ? a.width : a.width * a.expansion;
  require(a.activation != "max_min" || hidden % 2 == 0,
          "model.activation max_min sorts pairs: it needs an even hidden width, got {}", hidden);
}

// What one style or one architecture alone has.
void check_parts(const Architecture& a) {
  const bool lipschitz = a.style == "lipschitz";
  require(!lipschitz || a.activation != "relu_squared",
          "model.activation relu_squared has no bound on its slope: model.style standard only");
  require(!lipschitz || (!a.query_key_norm && a.logit_cap == 0),
          "model.query_key_norm and logit_cap belong to model.style standard");
  require(!lipschitz || a.norm == "layer", "model.norm belongs to model.style standard");
  require(lipschitz || a.query_key_clamp == 0,
          "model.query_key_clamp belongs to model.style lipschitz");
  require(a.rotary == 0 || a.name == "gpt", "model.rotary belongs to model.name gpt");
  require(a.rotary == 0 || (a.rotary > 1 && a.width / a.heads % 2 == 0),
          "model.rotary turns pairs of entries by angles that shrink: it needs a base above 1 and "
          "width / heads even, got {} and {}",
          a.rotary, a.width / a.heads);
  require(a.token_shift == 0 || a.name == "gpt", "model.token_shift belongs to model.name gpt");
}

}  // namespace

const Names& architecture_names() {
  static const Names names{"mlp", "vit", "gpt", "text"};
  return names;
}

void check(const Architecture& a, const InputSpec& input, int64_t classes) {
  require_known("model", a.name, architecture_names());
  require_known("model style", a.style, {"lipschitz", "standard"});
  require_known("model norm", a.norm, {"layer", "rms"});
  check_widths(a, classes);
  require(a.residual_add > 0 && a.residual_add < 1, "model.residual_add {} must lie in (0, 1)",
          a.residual_add);
  require_positive("logit_scale", a.logit_scale);
  require_positive("output_scale", a.output_scale);
  require_not_negative("clamp", a.clamp);
  require_not_negative("rotary", a.rotary);
  require_not_negative("query_key_clamp", a.query_key_clamp);
  require_not_negative("logit_cap", a.logit_cap);
  check_parts(a);
  const bool wants_tokens = a.name == "gpt" || a.name == "text";
  require(wants_tokens == (input.kind == InputKind::tokens),
          "a model '{}' reads {}, the data are {}", a.name, wants_tokens ? "tokens" : "pixels",
          wants_tokens ? "pixels" : "tokens");
  require(a.token_shift >= 0 && (a.token_shift == 0 || a.token_shift < input.context),
          "model.token_shift {} must be at least 0 and less than the context of {} tokens",
          a.token_shift, input.context);
}

}  // namespace taut::models
