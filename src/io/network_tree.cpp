#include "src/io/network_tree.hpp"

#include <algorithm>

#include "models/fields.hpp"
#include "src/core/core.hpp"
#include "src/io/format.hpp"

namespace taut::io {
namespace {

using models::InputKind;
using models::InputSpec;
using models::Layer;
using models::Residual;
using models::Role;

constexpr int kMaxDepth = 16;
constexpr int64_t kMaxLayers = 65536;

// A visitor of models::fields that writes each field into a group.
struct FieldWriter {
  Group& group;

  void operator()(const char* name, at::Tensor& tensor, Role) {
    if (tensor.defined()) group.write(name, tensor);
  }
  void operator()(const char* name, double& value) { group.set_number(name, value); }
  template <class Integer>  // int64_t, bool or an enum
  void operator()(const char* name, Integer& value) {
    group.set_integer(name, static_cast<int64_t>(value));
  }
};

// Reads each field and keeps the names, so that entries of no field are noticed.
struct FieldReader {
  const Group& group;
  std::vector<std::string> tensors, numbers;

  void operator()(const char* name, at::Tensor& tensor, Role role) {
    tensors.emplace_back(name);
    if (is_optional(role) && !group.has(name)) return;
    tensor = group.read(name);
    require(tensor.is_floating_point(), "{}: expected floating point numbers, got {}",
            group.where(name), toString(tensor.scalar_type()));
  }
  void operator()(const char* name, double& value) {
    numbers.emplace_back(name);
    value = group.number(name);
  }
  void operator()(const char* name, int64_t& value) {
    numbers.emplace_back(name);
    value = group.integer(name);
  }
  void operator()(const char* name, bool& value) {
    numbers.emplace_back(name);
    const int64_t stored = group.integer(name);
    require(stored == 0 || stored == 1, "{}: expected {} to be 0 or 1, got {}", group.where(), name,
            stored);
    value = stored == 1;
  }
  template <class Enum>  // models::check knows its range
  void operator()(const char* name, Enum& value) {
    numbers.emplace_back(name);
    value = static_cast<Enum>(group.integer(name));
  }
};

void require_known(const std::vector<std::string>& found, const std::vector<std::string>& known,
                   const Group& group) {
  for (const std::string& name : found) {
    require(std::find(known.begin(), known.end(), name) != known.end(),
            "{} holds '{}', which its layer kind does not have", group.where(), name);
  }
}

void write_layers(Group group, const std::vector<Layer>& layers) {
  for (size_t i = 0; i < layers.size(); ++i) {
    Layer layer = layers[i];
    Group child = group.create(std::to_string(i));
    child.set_text("name", layer.name);
    child.set_text("kind", models::kind_name(layer.kind));
    std::visit([&](auto& kind) { models::fields(FieldWriter{child}, kind); }, layer.kind);
    const auto* residual = std::get_if<Residual>(&layer.kind);
    if (residual != nullptr) write_layers(child.create("branch"), residual->branch);
  }
}

std::string read_name(const Group& group) {
  std::string name = group.text("name");
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= 32 && c < 127; });
  require(plain && name.size() <= 1000, "{}: expected a layer name of printable ASCII",
          group.where());
  return name;
}

std::vector<Layer> read_layers(const Group& group, int depth, int64_t& total);

Layer read_layer(const Group& group, int depth, int64_t& total) {
  Layer layer{read_name(group), {}};
  explain(group.where(), [&] { layer.kind = models::make_kind(group.text("kind")); });
  FieldReader reader{group, {}, {"name", "kind"}};
  std::visit([&](auto& kind) { models::fields(reader, kind); }, layer.kind);
  if (auto* residual = std::get_if<Residual>(&layer.kind)) {
    reader.tensors.emplace_back("branch");
    residual->branch = read_layers(group.open("branch"), depth + 1, total);
  }
  require_known(group.members(), reader.tensors, group);
  require_known(group.attributes(), reader.numbers, group);
  return layer;
}

std::vector<Layer> read_layers(const Group& group, int depth, int64_t& total) {
  require(depth <= kMaxDepth, "{}: residuals nested deeper than {}", group.where(), kMaxDepth);
  const size_t count = group.members().size();
  total += static_cast<int64_t>(count);
  require(total <= kMaxLayers, "{}: more than {} layers", group.where(), kMaxLayers);
  std::vector<Layer> layers;
  for (size_t i = 0; i < count; ++i) {
    layers.push_back(read_layer(group.open(std::to_string(i)), depth, total));
  }
  return layers;
}

void write_input(Group& group, const InputSpec& input) {
  const bool pixels = input.kind == InputKind::pixels;
  group.set_text("input", pixels ? "pixels" : "tokens");
  group.set_integer("channels", input.channels);
  group.set_integer("height", input.height);
  group.set_integer("width", input.width);
  group.set_number("low", input.low);
  group.set_number("high", input.high);
  group.set_integer("context", input.context);
  group.set_integer("vocabulary", input.vocabulary);
}

InputSpec read_input(const Group& group) {
  InputSpec input;
  const std::string kind = group.text("input");
  require(kind == "pixels" || kind == "tokens", "{}: {}", group.where(),
          unknown_name("kind of input", kind, {"pixels", "tokens"}));
  input.kind = kind == "pixels" ? InputKind::pixels : InputKind::tokens;
  input.channels = group.integer("channels");
  input.height = group.integer("height");
  input.width = group.integer("width");
  input.low = group.number("low");
  input.high = group.number("high");
  input.context = group.integer("context");
  input.vocabulary = group.integer("vocabulary");
  return input;
}

}  // namespace

void write_network(Group& group, const models::Network& network) {
  write_input(group, network.input);
  write_layers(group.create("layers"), network.layers);
}

models::Network read_network(const Group& group) {
  int64_t total = 0;
  models::Network network;
  network.input = read_input(group);
  network.layers = read_layers(group.open("layers"), 0, total);
  return network;
}

}  // namespace taut::io
