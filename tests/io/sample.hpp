#pragma once

#include <limits>

#include "src/io/io.hpp"
#include "tests/models/sample.hpp"

// Checkpoints of the sample networks, and their comparison bit for bit.
namespace taut::test {

inline io::Checkpoint sample_checkpoint(const Network& network) {
  io::Checkpoint c;
  c.network = network;
  c.config = "[model]\nwidth = 6  # \xc3\xa9\n";
  c.optimizer["head.weight.momentum"] = at::full({3, 6}, -0.5);
  c.optimizer["adam_step"] = at::full({}, 41, at::kLong);
  c.random_state = at::arange(16, at::kByte);
  c.step = 42;
  c.cursor = 5376;
  c.numbers = {{"train_seconds", 1.5},
               {"best_accuracy", 1.0 / 3},
               {"log10_bound", std::numeric_limits<double>::infinity()}};
  c.provenance = {{"git_revision", "abc"}, {"device", "cpu"}, {"note", ""}};
  return c;
}

inline bool same(const io::Checkpoint& a, const io::Checkpoint& b) {
  if (a.optimizer.size() != b.optimizer.size()) return false;
  for (const auto& [name, tensor] : a.optimizer) {
    if (b.optimizer.count(name) == 0 || !same(tensor, b.optimizer.at(name))) return false;
  }
  return a.network.input == b.network.input && same(a.network.layers, b.network.layers) &&
         a.config == b.config && same(a.random_state, b.random_state) && a.step == b.step &&
         a.cursor == b.cursor && a.numbers == b.numbers && a.provenance == b.provenance;
}

}  // namespace taut::test
