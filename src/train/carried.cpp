#include "src/train/carried.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "src/core/core.hpp"

namespace taut::train {
namespace {

std::string bound_name(const Member& member) { return "bound." + member.path; }

std::string block_name(const Member& member) { return "block." + member.path; }

std::string uncapped_name(const Member& member) { return "uncapped." + member.path; }

// How many matrices of the group are the member's.
int64_t matrices_of(const Group& group, const Member& member) {
  return c10::multiply_integers(member.shape) / (group.value.size(-2) * group.value.size(-1));
}

// The largest of the members' bounds. Without one the next step projects.
void restore_bounds(std::vector<Group>& groups, const NamedTensors& from) {
  for (Group& group : groups) {
    double largest = 0;
    for (const Member& member : group.members) {
      const auto found = from.find(bound_name(member));
      require(
          found == from.end() || (found->second.numel() == 1 && found->second.item<double>() >= 0),
          "expected a bound >= 0 as '{}' in the checkpoint", bound_name(member));
      largest = std::max(largest, found == from.end() ? std::numeric_limits<double>::infinity()
                                                      : found->second.item<double>());
    }
    group.bound = largest;
  }
}

// Without those of all members the next step starts cold.
void restore_blocks(std::vector<Group>& groups, const NamedTensors& from) {
  for (Group& group : groups) {
    std::vector<at::Tensor> parts;
    for (const Member& member : group.members) {
      const auto found = from.find(block_name(member));
      if (found == from.end()) continue;
      const at::Tensor& block = found->second;
      require(group.layout == Layout::matrices && block.dim() == 3 &&
                  block.size(0) == matrices_of(group, member) &&
                  block.size(1) == group.value.size(-1) && block.size(2) > 0 &&
                  block.size(2) <= block.size(1) &&
                  (parts.empty() || block.size(2) == parts.front().size(2)) &&
                  block.scalar_type() == group.value.scalar_type() &&
                  at::isfinite(block).all().item<bool>(),
              "expected finite singular vectors of {} as '{}' in the checkpoint, got {}",
              shape_text(member.shape), found->first, shape_text(block.sizes()));
      parts.push_back(block);
    }
    if (!parts.empty() && parts.size() == group.members.size()) {
      group.block = at::cat(parts).to(group.value.device());
    }
  }
}

// As training left them before the division that the checkpoint's network has had.
void restore_uncapped(std::vector<Group>& groups, const NamedTensors& from) {
  for (Group& group : groups) {
    for (const Member& member : group.members) {
      const auto found = from.find(uncapped_name(member));
      if (found == from.end()) continue;
      require(found->second.sizes() == c10::IntArrayRef(member.shape) &&
                  at::isfinite(found->second).all().item<bool>(),
              "expected finite weights of shape {} as '{}' in the checkpoint, got {}",
              shape_text(member.shape), found->first, shape_text(found->second.sizes()));
      member.leaf.detach().copy_(found->second);
      group.held = false;
    }
  }
}

}  // namespace

void save_carried(const std::vector<Group>& groups, NamedTensors& out) {
  for (const Group& group : groups) {
    int64_t first = 0;
    for (const Member& member : group.members) {
      if (!group.held) out[uncapped_name(member)] = member.leaf.detach().clone();
      if (std::isfinite(group.bound))
        out[bound_name(member)] = at::full({}, group.bound, at::kDouble);
      if (!group.block.defined()) continue;
      const int64_t count = matrices_of(group, member);
      out[block_name(member)] = group.block.narrow(0, first, count).clone();
      first += count;
    }
  }
}

void restore_carried(std::vector<Group>& groups, const NamedTensors& from, bool lazy) {
  if (lazy) restore_bounds(groups, from);
  restore_uncapped(groups, from);
  restore_blocks(groups, from);
}

}  // namespace taut::train
