#include "models/network.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "models/fields.hpp"
#include "models/walk.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

constexpr std::array kKindNames = {
    "embedding", "pixel_normalize", "patchify", "position", "linear",  "activation", "ball_clamp",
    "normalize", "attention",       "residual", "pool",     "prepend", "select",     "token_shift"};
static_assert(kKindNames.size() == std::variant_size_v<Kind>);

constexpr std::array kRoleNames = {"hidden",        "query",    "key",     "value", "output",
                                   "embedding",     "position", "head",    "gain",  "bias",
                                   "position_bias", "rotary",   "constant"};

template <size_t I = 0>
Kind make_at(size_t index) {
  if constexpr (I < std::variant_size_v<Kind>) {
    return index == I ? Kind(std::in_place_index<I>) : make_at<I + 1>(index);
  } else {
    return Kind{};
  }
}

const Layer* head_layer(const Network& network) {
  const size_t index = head_index(network);
  return index < network.layers.size() ? &network.layers[index] : nullptr;
}

void walk(std::vector<Layer>& layers, const Layer* head, const TensorVisitor& visit) {
  for (Layer& layer : layers) {
    const auto on_field = [&](const char* name, auto& value, auto... role) {
      if constexpr (sizeof...(role) == 1) {
        Role r = (role, ...);
        if (&layer == head && r == Role::hidden) r = Role::head;
        if (value.defined()) visit(layer.name + "." + name, value, r);
      }
    };
    std::visit([&](auto& kind) { fields(on_field, kind); }, layer.kind);
    if (auto* residual = std::get_if<Residual>(&layer.kind)) walk(residual->branch, head, visit);
  }
}

}  // namespace

size_t head_index(const Network& network) {
  const size_t count = network.layers.size(), behind = logit_cap(network) != nullptr ? 1 : 0;
  if (count <= behind) return count;
  const size_t index = count - behind - 1;
  return std::holds_alternative<Linear>(network.layers[index].kind) ? index : count;
}

const Activation* logit_cap(const Network& network) {
  if (network.layers.empty()) return nullptr;
  const auto* last = std::get_if<Activation>(&network.layers.back().kind);
  const bool increases = last != nullptr && last->curve == Curve::tanh && last->gain > 0;
  return increases ? last : nullptr;
}

Network without_logit_cap(Network network) {
  if (logit_cap(network) != nullptr) network.layers.pop_back();
  return network;
}

const Linear& head_of(const Network& network) {
  const size_t index = head_index(network);
  require(index < network.layers.size(), "expected a network that ends in a linear layer");
  return std::get<Linear>(network.layers[index].kind);
}

bool is_trained(Role role) { return role != Role::constant && role != Role::rotary; }

bool is_optional(Role role) {
  return role == Role::bias || role == Role::position_bias || role == Role::rotary;
}

const char* kind_name(const Kind& kind) { return kKindNames[kind.index()]; }

const std::vector<std::string>& kind_names() {
  static const std::vector<std::string> names(kKindNames.begin(), kKindNames.end());
  return names;
}

Kind make_kind(const std::string& name) {
  for (size_t i = 0; i < kKindNames.size(); ++i) {
    if (name == kKindNames[i]) return make_at(i);
  }
  fail("{}", unknown_name("layer kind", name, kind_names()));
}

const char* role_name(Role role) { return kRoleNames[static_cast<size_t>(role)]; }

void for_each_tensor(Network& network, const TensorVisitor& visit) {
  walk(network.layers, head_layer(network), visit);
}

void for_each_tensor(const Network& network,
                     const std::function<void(const std::string&, const Tensor&, Role)>& visit) {
  // The walk hands out references only; nothing is written through them here.
  for_each_tensor(const_cast<Network&>(network), TensorVisitor(visit));
}

int64_t parameter_count(const Network& network) {
  int64_t count = 0;
  std::set<const void*> seen;
  for_each_tensor(network, [&](const std::string&, const Tensor& tensor, Role role) {
    const bool fresh = seen.insert(tensor.unsafeGetTensorImpl()).second;
    if (fresh && is_trained(role)) count += tensor.numel();
  });
  return count;
}

Network moved(const Network& network, at::Device device) {
  Network copy = network;
  for_each_tensor(
      copy, [&](const std::string&, Tensor& tensor, Role) { tensor = tensor.detach().to(device); });
  return copy;
}

Network converted(const Network& network, at::ScalarType dtype) {
  Network copy = network;
  for_each_tensor(copy, [&](const std::string&, Tensor& tensor, Role) {
    tensor = tensor.detach().to(dtype, /*non_blocking=*/false, /*copy=*/true);
  });
  return copy;
}

}  // namespace taut::models
