#include "src/io/model_file.hpp"

#include "src/core/core.hpp"
#include "src/io/format.hpp"
#include "src/io/model_tree.hpp"
#include "src/io/run.hpp"
#include "src/io/tree_values.hpp"

namespace taut::io {
namespace {

// JSON's spelling of texts, numbers and lists is TOML's as well.
std::string value_text(const Tree& value) {
  if (value.is_string()) {
    try {
      return value.dump();
    } catch (const Tree::exception&) {
      fail("'{}' is not UTF-8, as TOML has to be", value.get_ref<const std::string&>());
    }
  }
  if (!value.is_object()) return value.dump();
  std::vector<std::string> parts;
  for (const auto& [key, entry] : value.items()) parts.push_back(key + " = " + value_text(entry));
  return "{ " + join(parts, ", ") + " }";
}

void append_keys(std::string& text, const Tree& table, const std::string& prefix) {
  for (const auto& [key, value] : table.items()) {
    if (key == "branch") continue;
    const bool fields = value.is_object() && !value.contains("from");
    if (fields) append_keys(text, value, prefix + key + ".");
    if (!fields) text += fmt::format("{}{} = {}\n", prefix, key, value_text(value));
  }
}

void append_layers(std::string& text, const Tree& layers, const std::string& header) {
  for (const Tree& layer : layers) {
    text += fmt::format("\n[[{}]]\n", header);
    append_keys(text, layer, "");
    if (layer.contains("branch")) append_layers(text, layer["branch"], header + ".branch");
  }
}

}  // namespace

std::string to_toml(const ModelFile& model) {
  const Tree tree = to_tree(model.description);
  std::string text = "# taut model\n";
  if (!model.weights.empty()) text += fmt::format("weights = {}\n", value_text(model.weights));
  if (tree.contains("ignored")) text += fmt::format("ignored = {}\n", value_text(tree["ignored"]));
  text += "\n[input]\n";
  append_keys(text, tree["input"], "");
  append_layers(text, tree["layers"], "layers");
  return text;
}

ModelFile model_from_toml(const std::string& text, const std::string& source) {
  ModelFile model;
  explain(source, [&] {
    Tree tree = tree_from_toml(text);
    if (tree.contains("weights")) model.weights = text_at(tree["weights"], "weights");
    tree.erase("weights");
    model.description = from_tree(tree);
  });
  return model;
}

ModelFile read_model(const std::filesystem::path& path) {
  return model_from_toml(read_text(path), path.string());
}

}  // namespace taut::io
