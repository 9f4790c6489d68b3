#include <ATen/ATen.h>

#include <set>

#include "models/description.hpp"
#include "models/fields.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

struct Describer {
  std::set<std::string> names{};

  DescribedLayer describe(const Layer& layer) {
    DescribedLayer d{layer};
    const auto on_field = [&](const char* field, auto& value, auto... role) {
      if constexpr (sizeof...(role) == 1) {
        if (!value.defined()) return;
        const std::string name = layer.name + "." + field;
        require(names.insert(name).second, "two tensors are called {}", name);
        d.tensors[field] = {.from = name, .shape = value.sizes().vec()};
        value = Tensor();
      }
    };
    std::visit([&](auto& kind) { fields(on_field, kind); }, d.layer.kind);
    if (const auto* attention = std::get_if<Attention>(&layer.kind)) {
      d.heads = attention->query.size(0);
    }
    if (auto* residual = std::get_if<Residual>(&d.layer.kind)) {
      for (const Layer& inner : residual->branch) d.branch.push_back(describe(inner));
      residual->branch.clear();
    }
    return d;
  }
};

}  // namespace

Description describe(const Network& network) {
  Describer describer;
  Description d{network.input};
  for (const Layer& layer : network.layers) d.layers.push_back(describer.describe(layer));
  return d;
}

}  // namespace taut::models
