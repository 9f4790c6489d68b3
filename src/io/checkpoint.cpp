#include "src/io/checkpoint.hpp"

#include <ATen/ATen.h>

#include "models/check.hpp"
#include "src/core/core.hpp"
#include "src/io/format.hpp"
#include "src/io/network_tree.hpp"

// Layout of a checkpoint, version 1:
//   /              attributes format = "taut checkpoint", version, step, cursor (int64)
//   /config        text
//   /network       attributes input = pixels | tokens, channels, height, width, low, high, context,
//                  vocabulary
//   /network/layers/0, 1, ...   one group a layer, in forward order: attributes name, kind and the
//                  kind's numbers, datasets for its tensors (weight, query.weight, ...); a residual
//                  has its layers in /branch/0, 1, ...
//   /optimizer     one dataset a tensor
//   /random_state  uint8; absent where there is none
//   /numbers       attributes (double);   /provenance  attributes (text)
namespace taut::io {
namespace {

constexpr const char* kFormat = "taut checkpoint";

void write_tensors(Group group, const std::map<std::string, at::Tensor>& tensors) {
  for (const auto& [name, tensor] : tensors) group.write(name, tensor);
}

std::map<std::string, at::Tensor> read_tensors(const Group& group) {
  std::map<std::string, at::Tensor> tensors;
  for (const std::string& name : group.members()) tensors[name] = group.read(name);
  return tensors;
}

// What loading would refuse is not saved, so a run that diverged keeps its last good checkpoint.
void check(const Checkpoint& c) {
  models::check(c.network);
  require(c.step >= 0 && c.cursor >= 0, "expected step and cursor >= 0, got {} and {}", c.step,
          c.cursor);
  require(!c.random_state.defined() ||
              (c.random_state.scalar_type() == at::kByte && c.random_state.dim() == 1),
          "expected the random state to be a row of uint8");
}

void write(Group& root, const Checkpoint& c) {
  write_format(root, kFormat);
  root.set_integer("step", c.step);
  root.set_integer("cursor", c.cursor);
  root.write_text("config", c.config);
  Group network = root.create("network");
  write_network(network, c.network);
  write_tensors(root.create("optimizer"), c.optimizer);
  if (c.random_state.defined()) root.write("random_state", c.random_state);
  Group numbers = root.create("numbers");
  for (const auto& [name, value] : c.numbers) numbers.set_number(name, value);
  write_strings(root, "provenance", c.provenance);
}

Checkpoint read(const Group& root) {
  require_format(root, kFormat);
  Checkpoint c;
  c.step = root.integer("step");
  c.cursor = root.integer("cursor");
  c.config = root.read_text("config");
  c.network = read_network(root.open("network"));
  c.optimizer = read_tensors(root.open("optimizer"));
  if (root.has("random_state")) c.random_state = root.read("random_state");
  const Group numbers = root.open("numbers");
  for (const std::string& name : numbers.attributes()) c.numbers[name] = numbers.number(name);
  c.provenance = read_strings(root, "provenance");
  return c;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  explain(path.string(), [&] { check(checkpoint); });
  File file = File::create(path);
  write(file.root(), checkpoint);
  file.publish();
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  const File file = File::open(path);
  Checkpoint checkpoint = read(file.root());
  explain(path.string(), [&] { check(checkpoint); });
  return checkpoint;
}

}  // namespace taut::io
