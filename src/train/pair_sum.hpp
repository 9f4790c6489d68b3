#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace taut::train {

// A sum of tensors in pairs, pairs of pairs and so on: of 2^k terms it has the same bits when runs
// of 2^j of them are summed somewhere else first.
class PairSum {
 public:
  void add(at::Tensor term);
  at::Tensor total() const;  // undefined without terms

 private:
  struct Part {
    int level = 0;  // a sum of 2^level terms
    at::Tensor sum{};
  };
  std::vector<Part> parts_;  // levels fall
};

}  // namespace taut::train
