#include "models/foreign/foreign.hpp"

#include <algorithm>

#include "models/foreign/parts.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

struct Known {
  const char* name;
  Description (*describe)(const NamedTensors& tensors, const ForeignOptions& options);
};

constexpr Known kKnown[] = {
    {"mlp", describe_mlp},
    {"nanogpt", [](const auto& t, const auto& o) { return describe_gpt(t, o, /*conv1d=*/false); }},
    {"gpt2", [](const auto& t, const auto& o) { return describe_gpt(t, o, /*conv1d=*/true); }},
    {"vit", describe_vit},
    {"bert",
     [](const auto& t, const auto& o) { return describe_bert(t, o, /*mean_pooling=*/false); }},
    {"minilm",
     [](const auto& t, const auto& o) { return describe_bert(t, o, /*mean_pooling=*/true); }},
};

}  // namespace

const std::vector<std::string>& foreign_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Known& known : kKnown) all.emplace_back(known.name);
    return all;
  }();
  return names;
}

Description describe_foreign(const std::string& name, const NamedTensors& tensors,
                             const ForeignOptions& options) {
  const auto* const found = std::find_if(std::begin(kKnown), std::end(kKnown),
                                         [&](const Known& k) { return name == k.name; });
  require(found != std::end(kKnown), "{}", unknown_name("architecture", name, foreign_names()));
  return found->describe(tensors, options);
}

}  // namespace taut::models
