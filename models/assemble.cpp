#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "models/check.hpp"
#include "models/description.hpp"
#include "models/fields.hpp"
#include "models/findings.hpp"
#include "models/walk.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

// A part in the shape that the layer holds; undefined where it cannot be.
Tensor as_field(const std::string& field, Role role, int64_t heads, const Tensor& t) {
  if (t.dim() == 0) return {};
  if (t.numel() == 0) return t;
  const bool per_head = field == "query.bias" || field == "key.bias" || field == "value.bias";
  if (role == Role::embedding || role == Role::position) {
    // The tensor itself where it fits: a tied head must stay the same one.
    return t.dim() == 2 ? t : t.reshape({-1, t.size(-1)});
  }
  if (role == Role::query || role == Role::key || role == Role::value || per_head) {
    if (t.dim() == (per_head ? 2 : 3)) return t;
    if (heads <= 0 || t.size(0) % heads != 0 || t.dim() != (per_head ? 1 : 2)) return Tensor();
    std::vector<int64_t> split{heads, t.size(0) / heads};
    if (!per_head) split.push_back(t.size(1));
    return t.reshape(split);
  }
  const bool matrix = role == Role::hidden || role == Role::output;
  return matrix && t.dim() > 2 ? t.flatten(1) : t;
}

class Assembler {
 public:
  explicit Assembler(const NamedTensors& tensors) : tensors_(tensors) {}

  std::vector<Layer> layers(const std::vector<DescribedLayer>& described) {
    std::vector<Layer> made;
    for (const DescribedLayer& d : described) made.push_back(layer(d));
    return made;
  }

  Findings findings{};

 private:
  Layer layer(const DescribedLayer& d) {
    Layer made = d.layer;
    const auto on_field = [&](const char* field, auto& value, auto... role) {
      if constexpr (sizeof...(role) == 1) value = tensor(d, field, (role, ...));
    };
    std::visit([&](auto& kind) { fields(on_field, kind); }, made.kind);
    if (auto* residual = std::get_if<Residual>(&made.kind)) residual->branch = layers(d.branch);
    return made;
  }

  Tensor tensor(const DescribedLayer& d, const std::string& field, Role role) {
    const auto found = d.tensors.find(field);
    if (found == d.tensors.end() && is_optional(role)) return {};
    Source source{.from = d.layer.name + "." + field};
    if (found != d.tensors.end()) source = found->second;
    if (source.from.empty()) return at::tensor(source.values, at::kDouble);
    const auto stored = tensors_.find(source.from);
    if (stored == tensors_.end()) {
      findings.missing.push_back(source.from);
      return {};
    }
    const bool fresh = findings.used.insert(source.from).second;
    if (fresh && !findings.note_values(source.from, stored->second)) return {};
    const Tensor part = part_of(source, stored->second);
    const Tensor made = part.defined() ? as_field(field, role, d.heads, part) : part;
    if (part.defined() && !made.defined()) {
      findings.misshapen.push_back(fmt::format("{} is {}, which makes no {} of {} heads",
                                               source.from, shape_text(part.sizes()),
                                               d.layer.name + "." + field, d.heads));
    }
    return made;
  }

  // The part, in PyTorch's layout; undefined, and noted, when the stored tensor has none.
  Tensor part_of(const Source& source, const Tensor& stored) {
    if (!looks_right(source, stored)) return {};
    Tensor t = source.transposed ? stored.t() : stored;
    if (source.parts > 1) t = t.chunk(source.parts, 0)[static_cast<size_t>(source.part)];
    return t.contiguous();
  }

  bool looks_right(const Source& source, const Tensor& stored) {
    std::vector<int64_t> expected = source.shape;
    if (!expected.empty()) expected[0] *= source.parts;
    if (source.transposed) std::reverse(expected.begin(), expected.end());
    const int64_t along = source.transposed ? 1 : 0;
    const bool divides = source.parts == 1 || (stored.dim() > along && stored.size(along) > 0 &&
                                               stored.size(along) % source.parts == 0);
    if ((!source.shape.empty() && stored.sizes() != c10::IntArrayRef(expected)) ||
        (source.transposed && stored.dim() != 2)) {
      findings.misshapen.push_back(
          fmt::format("{} is {}, expected {}", source.from, shape_text(stored.sizes()),
                      expected.empty() ? "a matrix" : shape_text(expected)));
      return false;
    }
    if (!divides) {
      findings.misshapen.push_back(fmt::format("{} is {}, which does not split into {} parts",
                                               source.from, shape_text(stored.sizes()),
                                               source.parts));
      return false;
    }
    return true;
  }

  const NamedTensors& tensors_;
};

// The type of all weights, or one that holds them.
at::ScalarType dtype_of_weights(const Network& network) {
  std::optional<at::ScalarType> type;
  for_each_tensor(network, [&](const std::string&, const Tensor& tensor, Role role) {
    if (!is_trained(role)) return;
    const at::ScalarType here = tensor.scalar_type();
    if (!type) type = here;
    if (*type != here)
      type = *type == at::kDouble || here == at::kDouble ? at::kDouble : at::kFloat;
  });
  return type.value_or(at::kFloat);
}

// One type for all: the common one, or fp32 for narrower ones, fp64 beside fp64. A constant such as
// a mean of 0.485 asks for fp32, no more.
void unify_types(Network& network) {
  at::ScalarType type = dtype_of_weights(network);
  for_each_tensor(network, [&](const std::string&, const Tensor& tensor, Role) {
    if (tensor.scalar_type() != type && type != at::kDouble) type = at::kFloat;
  });
  for_each_tensor(network, [&](const std::string&, Tensor& tensor, Role) {
    if (tensor.scalar_type() != type) tensor = tensor.to(type);
  });
}

}  // namespace

Network assemble(const Description& description, const NamedTensors& tensors) {
  const at::NoGradGuard no_grad;
  Assembler assembler(tensors);
  Network network{description.input, assembler.layers(description.layers)};
  assembler.findings.require_none(tensors, description.ignored);
  unify_types(network);
  check(network);
  return network;
}

}  // namespace taut::models
