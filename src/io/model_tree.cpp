#include "src/io/model_tree.hpp"

#include "models/curves.hpp"
#include "models/fields.hpp"
#include "src/core/core.hpp"
#include "src/io/tree_values.hpp"

namespace taut::io {
namespace {

using models::Curve;
using models::DescribedLayer;
using models::Description;
using models::InputKind;
using models::InputSpec;
using models::Role;
using models::Source;

constexpr int kMaxDepth = 16;
constexpr int64_t kMaxLayers = 65536;

// "query.weight" is key "weight" of the table "query".
Tree& at_path(Tree& tree, const std::string& field) {
  const size_t dot = field.find('.');
  return dot == std::string::npos ? tree[field] : tree[field.substr(0, dot)][field.substr(dot + 1)];
}

Tree to_tree(const Source& source) {
  if (source.from.empty()) return source.values;
  Tree tree{{"from", source.from}};
  if (!source.shape.empty()) tree["shape"] = source.shape;
  if (source.transposed) tree["transposed"] = true;
  if (source.parts > 1) {
    tree["part"] = source.part;
    tree["parts"] = source.parts;
  }
  return tree;
}

Tree to_tree(const DescribedLayer& d) {
  Tree tree{{"kind", models::kind_name(d.layer.kind)}, {"name", d.layer.name}};
  if (d.heads > 0) tree["heads"] = d.heads;
  const auto write = [&]<class Value>(const char* name, Value& value, auto... role) {
    if constexpr (sizeof...(role) == 1) {
      const auto found = d.tensors.find(name);
      if (found != d.tensors.end()) at_path(tree, name) = to_tree(found->second);
    } else if constexpr (std::is_same_v<Value, Curve>) {
      at_path(tree, name) = models::curve_name(value);
    } else {
      at_path(tree, name) = value;
    }
  };
  models::Layer layer = d.layer;
  std::visit([&](auto& kind) { models::fields(write, kind); }, layer.kind);
  if (!std::holds_alternative<models::Residual>(layer.kind)) return tree;
  tree["branch"] = Tree::array();
  for (const DescribedLayer& inner : d.branch) tree["branch"].push_back(to_tree(inner));
  return tree;
}

Tree to_tree(const InputSpec& input) {
  if (input.kind == InputKind::tokens) {
    return {{"kind", "tokens"}, {"context", input.context}, {"vocabulary", input.vocabulary}};
  }
  return {{"kind", "pixels"},     {"channels", input.channels}, {"height", input.height},
          {"width", input.width}, {"low", input.low},           {"high", input.high}};
}

Source source_from(const Tree& tree, const std::string& key) {
  if (tree.is_string()) return {.from = tree.get<std::string>()};
  if (tree.is_array()) return {.from = {}, .values = numbers_at(tree, key)};
  expect_keys(tree, {"from", "shape", "transposed", "part", "parts"}, "the tensor " + key);
  require(tree.contains("from"), "expected the name of a tensor at '{}.from'", key);
  Source source{.from = text_at(tree["from"], key + ".from")};
  if (tree.contains("shape")) source.shape = sizes_at(tree["shape"], key + ".shape");
  if (tree.contains("transposed")) source.transposed = truth_at(tree["transposed"], key);
  if (tree.contains("part")) source.part = integer_at(tree["part"], key + ".part");
  if (tree.contains("parts")) source.parts = integer_at(tree["parts"], key + ".parts");
  require(source.parts > 0 && source.part >= 0 && source.part < source.parts,
          "expected 0 <= part < parts at '{}', got {} of {}", key, source.part, source.parts);
  return source;
}

InputSpec input_from(const Tree& tree) {
  expect_keys(tree, {"kind", "channels", "height", "width", "low", "high", "context", "vocabulary"},
              "input");
  const std::string kind = tree.contains("kind") ? text_at(tree["kind"], "input.kind") : "";
  require(kind == "pixels" || kind == "tokens", "{}",
          unknown_name("input.kind", kind, {"pixels", "tokens"}));
  InputSpec input;
  input.kind = kind == "pixels" ? InputKind::pixels : InputKind::tokens;
  const auto read = [&](const char* name, int64_t& value) {
    if (tree.contains(name)) value = integer_at(tree[name], std::string("input.") + name);
  };
  read("channels", input.channels);
  read("height", input.height);
  read("width", input.width);
  read("context", input.context);
  read("vocabulary", input.vocabulary);
  if (tree.contains("low")) input.low = number_at(tree["low"], "input.low");
  if (tree.contains("high")) input.high = number_at(tree["high"], "input.high");
  return input;
}

// The keys of one layer while they are read; those that nobody asked for are unknown.
class LayerKeys {
 public:
  explicit LayerKeys(const Tree& tree) {
    require(tree.is_object(), "expected a layer to be a table, got {}", tree.type_name());
    for (const auto& [key, value] : tree.items()) values_[key] = &value;
  }

  // The value of "heads", or of "query.weight" in the table "query".
  const Tree* find(const std::string& key) {
    known_.push_back(key);
    const size_t dot = key.find('.');
    if (dot != std::string::npos) split(key.substr(0, dot));
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : found->second;
  }

  void expect_no_others(const std::string& layer) const {
    for (const auto& [key, value] : values_) {
      require(std::find(known_.begin(), known_.end(), key) != known_.end(), "{}: {}", layer,
              unknown_name("key", key.substr(0, 100), known_));
    }
  }

 private:
  void split(const std::string& table) {
    const auto found = values_.find(table);
    if (found == values_.end() || !found->second->is_object()) return;
    const Tree& inside = *found->second;
    values_.erase(found);
    for (const auto& [key, value] : inside.items()) values_[table + "." + key] = &value;
  }

  std::map<std::string, const Tree*> values_;
  std::vector<std::string> known_;
};

struct FieldReader {
  LayerKeys& keys;
  std::map<std::string, Source>& tensors;

  void operator()(const char* name, at::Tensor&, Role) {
    if (const Tree* value = keys.find(name)) tensors[name] = source_from(*value, name);
  }
  void operator()(const char* name, double& value) {
    if (const Tree* found = keys.find(name)) value = number_at(*found, name);
  }
  void operator()(const char* name, int64_t& value) {
    if (const Tree* found = keys.find(name)) value = integer_at(*found, name);
  }
  void operator()(const char* name, bool& value) {
    if (const Tree* found = keys.find(name)) value = truth_at(*found, name);
  }
  void operator()(const char* name, Curve& value) {
    if (const Tree* found = keys.find(name)) value = models::parse_curve(text_at(*found, name));
  }
};

std::string name_from(LayerKeys& keys) {
  const Tree* found = keys.find("name");
  require(found != nullptr, "expected a layer to have a name");
  const std::string name = text_at(*found, "name");
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= 32 && c < 127; });
  require(plain && name.size() <= 900, "expected a layer name of printable ASCII");
  return name;
}

std::vector<DescribedLayer> layers_from(const Tree& tree, int depth, int64_t& total);

DescribedLayer layer_from(const Tree& tree, int depth, int64_t& total) {
  LayerKeys keys(tree);
  DescribedLayer d{{name_from(keys), {}}};
  try {
    const Tree* kind = keys.find("kind");
    require(kind != nullptr, "expected a kind");
    d.layer.kind = models::make_kind(text_at(*kind, "kind"));
    if (std::holds_alternative<models::Attention>(d.layer.kind)) {
      if (const Tree* heads = keys.find("heads")) d.heads = integer_at(*heads, "heads");
    }
    FieldReader reader{keys, d.tensors};
    std::visit([&](auto& layer) { models::fields(reader, layer); }, d.layer.kind);
  } catch (const Error& error) {
    fail("layer '{}': {}", d.layer.name, error.what());
  }
  if (std::holds_alternative<models::Residual>(d.layer.kind)) {
    const Tree* branch = keys.find("branch");
    if (branch != nullptr) d.branch = layers_from(*branch, depth + 1, total);
  }
  keys.expect_no_others(fmt::format("layer '{}'", d.layer.name));
  return d;
}

std::vector<DescribedLayer> layers_from(const Tree& tree, int depth, int64_t& total) {
  require(depth <= kMaxDepth, "residuals nested deeper than {}", kMaxDepth);
  require(tree.is_array(), "expected a list of layers, got {}", tree.type_name());
  total += static_cast<int64_t>(tree.size());
  require(total <= kMaxLayers, "more than {} layers", kMaxLayers);
  std::vector<DescribedLayer> layers;
  for (const Tree& layer : tree) layers.push_back(layer_from(layer, depth, total));
  return layers;
}

}  // namespace

Tree to_tree(const Description& description) {
  Tree tree{{"input", to_tree(description.input)}};
  if (!description.ignored.empty()) tree["ignored"] = description.ignored;
  tree["layers"] = Tree::array();
  for (const DescribedLayer& d : description.layers) tree["layers"].push_back(to_tree(d));
  return tree;
}

Description from_tree(const Tree& tree) {
  expect_keys(tree, {"input", "ignored", "layers"}, "the model");
  require(tree.contains("input") && tree.contains("layers"),
          "expected the tables input and layers");
  int64_t total = 0;
  Description d{input_from(tree["input"])};
  if (tree.contains("ignored")) d.ignored = texts_at(tree["ignored"], "ignored");
  d.layers = layers_from(tree["layers"], 0, total);
  return d;
}

}  // namespace taut::io
