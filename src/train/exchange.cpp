#include "src/train/exchange.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "src/core/core.hpp"

namespace taut::train {

GradientSums::GradientSums(const Optimizer& optimizer) : team_(optimizer.team) {
  for (const Group& group : optimizer.groups) {
    for (const Member& member : group.members) {
      leaves_.push_back({member.leaf, member.place, group.owner});
    }
  }
  order_.resize(leaves_.size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::sort(order_.begin(), order_.end(),
            [&](size_t a, size_t b) { return leaves_[a].place > leaves_[b].place; });
}

GradientSums::~GradientSums() {
  if (!hooked_) return;
  for (Leaf& leaf : leaves_) leaf.tensor.remove_hook(leaf.hook);
}

void GradientSums::add(const std::vector<at::Tensor>& gradients) {
  for (size_t i = 0; i < leaves_.size(); ++i) leaves_[i].own.add(gradients[i].detach());
}

void GradientSums::expect_last() {
  if (team_.size == 1) return;
  hooked_ = true;
  for (Leaf& leaf : leaves_) {
    leaf.hook = leaf.tensor.register_hook([this, &leaf](const at::Tensor& gradient) {
      for (Leaf& other : leaves_) other.sent.poll();
      arrive(leaf, gradient);
      early_ = sent_;
    });
  }
}

// Whatever order gradients come in, all ranks send in one.
void GradientSums::arrive(Leaf& leaf, const at::Tensor& gradient) {
  if (leaf.complete) return;
  leaf.own.add(gradient.detach());
  leaf.complete = true;
  if (team_.size == 1) return;
  while (sent_ < order_.size() && leaves_[order_[sent_]].complete) send(leaves_[order_[sent_++]]);
}

void GradientSums::send(Leaf& leaf) {
  const at::Tensor part = leaf.own.total().contiguous();
  if (leaf.owner == team_.rank) {
    std::vector<int64_t> shape = part.sizes().vec();
    shape.insert(shape.begin(), team_.size);
    leaf.all = at::empty(shape, part.options());
  }
  leaf.sent = team::start_gather(team_, part, leaf.all, leaf.owner);
}

std::vector<at::Tensor> GradientSums::finish(const std::vector<at::Tensor>& gradients) {
  for (const size_t i : order_) arrive(leaves_[i], gradients[i]);
  std::vector<at::Tensor> sums;
  for (Leaf& leaf : leaves_) {
    PairSum sum;
    leaf.sent.wait();
    for (int rank = 0; leaf.all.defined() && rank < team_.size; ++rank) sum.add(leaf.all[rank]);
    sums.push_back(team_.size == 1 ? leaf.own.total() : sum.total());
  }
  return sums;
}

void share_weights(const Optimizer& optimizer) {
  for (const Group& group : optimizer.groups) team::broadcast(optimizer.team, group.value, 0);
}

void share_state(Optimizer& optimizer) {
  const team::Team& team = optimizer.team;
  if (team.size == 1) return;
  for (Group& group : optimizer.groups) {
    team::broadcast(team, group.momentum, group.owner);
    if (group.second.defined()) team::broadcast(team, group.second, group.owner);
    const bool mine = group.owner == team.rank;
    const int64_t width = mine && group.block.defined() ? group.block.size(2) : 0;
    const at::Tensor carried = at::tensor({group.bound, static_cast<double>(width)}, at::kDouble);
    team::broadcast(team, carried, group.owner);
    group.bound = carried[0].item<double>();
    const auto columns = static_cast<int64_t>(carried[1].item<double>());
    if (columns == 0) continue;
    if (!mine) {
      group.block =
          at::empty({group.value.size(0), group.value.size(2), columns}, group.value.options());
    }
    team::broadcast(team, group.block, group.owner);
  }
}

}  // namespace taut::train
