#include "src/train/pair_sum.hpp"

#include <ATen/ATen.h>

#include <utility>

namespace taut::train {

void PairSum::add(at::Tensor term) {
  int level = 0;
  for (; !parts_.empty() && parts_.back().level == level; ++level) {
    term = parts_.back().sum + term;
    parts_.pop_back();
  }
  parts_.push_back({level, std::move(term)});
}

at::Tensor PairSum::total() const {
  at::Tensor all;
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    all = all.defined() ? part->sum + all : part->sum;
  }
  return all;
}

}  // namespace taut::train
