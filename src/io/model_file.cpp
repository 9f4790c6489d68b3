#include "src/io/model_file.hpp"

#include "src/core/core.hpp"

// The parser asserts that some characters cannot occur where a hostile file puts them, and would
// have the compiler assume it where asserts are off.
#undef NDEBUG
#define TOML_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::taut::fail("not TOML: {} does not hold", #condition))
// Its table of white space beyond ASCII (3.3) likewise calls most other letters unreachable: they
// are no white space.
// clang-format off
#include <toml++/impl/forward_declarations.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE __builtin_unreachable()
#include <toml++/toml.h>
// clang-format on

#include "src/io/format.hpp"
#include "src/io/model_tree.hpp"
#include "src/io/run.hpp"
#include "src/io/tree_values.hpp"

namespace taut::io {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 24;

Tree tree_of(const toml::node& node);

Tree tree_of(const toml::table& table) {
  Tree tree = Tree::object();
  for (const auto& [key, value] : table) tree[std::string(key.str())] = tree_of(value);
  return tree;
}

Tree tree_of(const toml::node& node) {
  if (const auto* table = node.as_table()) return tree_of(*table);
  if (const auto* array = node.as_array()) {
    Tree tree = Tree::array();
    for (const toml::node& entry : *array) tree.push_back(tree_of(entry));
    return tree;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  fail("line {}: expected no date or time", node.source().begin.line);
}

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
    require(text.size() <= kMaxBytes, "it has {} bytes, more than {}", text.size(), kMaxBytes);
    Tree tree;
    try {
      tree = tree_of(toml::parse(text));
    } catch (const toml::parse_error& error) {
      fail("line {}: {}", error.source().begin.line, error.description());
    }
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
