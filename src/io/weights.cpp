#include "src/io/weights.hpp"

#include <ATen/ATen.h>
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "models/walk.hpp"
#include "src/core/core.hpp"
#include "src/io/format.hpp"
#include "src/io/model_tree.hpp"
#include "src/io/tree_values.hpp"

namespace taut::io {
namespace {

constexpr const char* kKey = "taut";
constexpr int64_t kVersion = 1;

Tree facts_of(const Checkpoint& c) {
  Tree tree{{"version", kVersion}, {"step", c.step}, {"cursor", c.cursor}, {"config", c.config}};
  tree["numbers"] = Tree::object();
  for (const auto& [name, value] : c.numbers) tree["numbers"][name] = spelled(value);
  tree["provenance"] = Tree::object();
  for (const auto& [name, value] : c.provenance) tree["provenance"][name] = value;
  tree["model"] = to_tree(models::describe(c.network));
  return tree;
}

std::string spelled(const Tree& tree) {
  try {
    return tree.dump();
  } catch (const Tree::exception&) {
    fail("a text of the checkpoint is not UTF-8, as JSON has to be");
  }
}

const Tree& entry(const Tree& tree, const char* key) {
  require(tree.contains(key), "'{}' is missing in its metadata", key);
  return tree[key];
}

Checkpoint facts_from(const Tree& tree) {
  require(tree.is_object(), "expected its metadata to be a table");
  const int64_t version = integer_at(entry(tree, "version"), "version");
  require(version == kVersion, "weights of version {}; this program reads version {}", version,
          kVersion);
  expect_keys(tree, {"version", "step", "cursor", "config", "numbers", "provenance", "model"},
              "the metadata");
  Checkpoint c;
  c.step = integer_at(entry(tree, "step"), "step");
  c.cursor = integer_at(entry(tree, "cursor"), "cursor");
  c.config = text_at(entry(tree, "config"), "config");
  for (const auto& [name, value] : entry(tree, "numbers").items())
    c.numbers[name] = unspelled(value, name);
  for (const auto& [name, value] : entry(tree, "provenance").items())
    c.provenance[name] = text_at(value, name);
  return c;
}

// Arrays and objects nested deeper than any model: not parsed.
Tree parsed(const std::string& text) {
  static constexpr int kDeepest = 100;
  const auto shallow = [](int depth, Tree::parse_event_t, Tree&) {
    require(depth <= kDeepest, "its metadata is nested deeper than {}", kDeepest);
    return true;
  };
  try {
    return Tree::parse(text, shallow);
  } catch (const Tree::exception&) {
    fail("its metadata '{}' is not JSON", kKey);
  }
}

}  // namespace

void save_weights(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  TensorFile file;
  explain(path.string(), [&] {
    models::check(checkpoint.network);
    // "format" is what other readers look for.
    file.metadata = {{"format", "pt"}, {kKey, spelled(facts_of(checkpoint))}};
  });
  models::for_each_tensor(checkpoint.network, [&](const std::string& name, const at::Tensor& tensor,
                                                  models::Role) { file.tensors[name] = tensor; });
  write_safetensors(path, file);
}

bool carries_network(const TensorFile& file) { return file.metadata.count(kKey) > 0; }

std::string fingerprint(const models::NamedTensors& tensors,
                        const models::Description& description) {
  uLong crc = crc32_z(0, nullptr, 0);
  const auto add = [&](const void* bytes, size_t size) {
    if (size > 0) crc = crc32_z(crc, static_cast<const Bytef*>(bytes), size);
  };
  for (const auto& [name, tensor] : tensors) {
    add(name.data(), name.size());
    const at::Tensor plain = tensor.to(at::kCPU).contiguous();
    add(plain.const_data_ptr(), plain.nbytes());
  }
  const std::string model = to_tree(description).dump();
  add(model.data(), model.size());
  return fmt::format("crc32 {:08x}", crc);
}

std::string fingerprint(const models::Network& network) {
  models::NamedTensors tensors;
  models::for_each_tensor(network, [&](const std::string& path, const at::Tensor& tensor,
                                       models::Role) { tensors[path] = tensor.detach(); });
  return fingerprint(tensors, models::describe(network));
}

Checkpoint weights_of(const TensorFile& file, const std::string& where) {
  Checkpoint checkpoint;
  explain(where, [&] {
    const auto text = file.metadata.find(kKey);
    require(text != file.metadata.end(), "it does not say what network it holds");
    const Tree tree = parsed(text->second);
    checkpoint = facts_from(tree);
    checkpoint.network = models::assemble(from_tree(entry(tree, "model")), file.tensors);
  });
  return checkpoint;
}

}  // namespace taut::io
