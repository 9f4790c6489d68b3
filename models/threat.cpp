#include "models/threat.hpp"

#include <array>

#include "src/core/core.hpp"

namespace taut::models {
namespace {

struct Named {
  Norm norm;
  const char* name;
  const char* field;  // the norm in the words of a report
};

constexpr std::array kNorms = {
    Named{Norm::l2, "l2", "l2"},
    Named{Norm::linf, "linf", "linf"},
    Named{Norm::every_token, "every_token", "2,inf (every token in its own l2 ball)"},
    Named{Norm::one_token, "one_token", "l2 of the one token that moves"},
};

const Named& named(Norm norm) {
  for (const Named& n : kNorms) {
    if (n.norm == norm) return n;
  }
  fail("a norm without a name");
}

}  // namespace

std::vector<std::string> threat_names(const InputSpec& input) {
  if (input.kind == InputKind::pixels) return {"l2", "linf"};
  return {"every_token", "one_token", "l2"};
}

Threat parse_threat(const std::string& name, const InputSpec& input) {
  const bool pixels = input.kind == InputKind::pixels;
  const std::vector<std::string> known = threat_names(input);
  for (const Named& n : kNorms) {
    if (name != n.name || std::find(known.begin(), known.end(), name) == known.end()) continue;
    Threat threat{pixels ? Space::pixels : Space::embedding, n.norm, std::nullopt};
    if (pixels) threat.box = Box{input.low, input.high};
    return threat;
  }
  fail("{}", unknown_name(pixels ? "threat on pixels" : "threat on embeddings", name, known));
}

std::string threat_name(const Threat& threat) { return named(threat.norm).name; }

std::string describe(const Threat& threat) {
  const std::string space = threat.space == Space::pixels ? "pixels" : "embedding";
  const std::string box =
      threat.box ? fmt::format(" in [{}, {}]", threat.box->low, threat.box->high) : "";
  return fmt::format("{}, {}{}", named(threat.norm).field, space, box);
}

}  // namespace taut::models
