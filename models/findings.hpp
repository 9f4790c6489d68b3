#pragma once

#include <set>
#include <string>
#include <vector>

#include "models/description.hpp"

namespace taut::models {

// What is wrong with named tensors that should make a network: all of it, for one message.
struct Findings {
  std::vector<std::string> missing{};
  std::vector<std::string> misshapen{};  // whole phrases
  std::vector<std::string> unfit{};      // whole phrases: integers, NaN, infinity
  std::set<std::string> used{};

  // Notes a tensor that is not of finite floating point numbers; whether it is.
  bool note_values(const std::string& name, const Tensor& tensor);

  // Throws Error when anything was found, or a tensor was not used that `ignored` does not name.
  void require_none(const NamedTensors& tensors, const std::vector<std::string>& ignored) const;
};

// Whether `name` is `pattern`, whose * stand for any characters.
bool matches(std::string_view name, std::string_view pattern);

}  // namespace taut::models
