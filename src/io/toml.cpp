#include "src/io/toml.hpp"

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
#include "src/io/run.hpp"

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

}  // namespace

Tree tree_from_toml(const std::string& text) {
  require(text.size() <= kMaxBytes, "it has {} bytes, more than {}", text.size(), kMaxBytes);
  try {
    return tree_of(toml::parse(text));
  } catch (const toml::parse_error& error) {
    fail("line {}: {}", error.source().begin.line, error.description());
  }
}

Tree read_toml(const std::filesystem::path& path) {
  Tree tree;
  explain(path.string(), [&] { tree = tree_from_toml(read_text(path)); });
  return tree;
}

}  // namespace taut::io
