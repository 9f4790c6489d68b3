#include "src/train/groups.hpp"

#include <ATen/ATen.h>

#include "models/walk.hpp"
#include "src/core/core.hpp"
#include "src/train/constraint.hpp"
#include "src/train/owners.hpp"

namespace taut::train {
namespace {

using models::Role;

Rule rule_of(Role role, const OptimizerOptions& options) {
  if (options.name == "adamw") return Rule::adam;
  if (options.name == "sgd") return Rule::sgd;
  if (is_matrix(role)) return Rule::muon;
  return is_table(role) ? Rule::rows : Rule::adam;
}

// AdamW and SGD step entries; only a constraint makes them keep matrices and tables apart.
Layout layout_of(Role role, Rule rule, const std::string& method) {
  if (rule == Rule::muon) return Layout::matrices;
  if (rule == Rule::rows) return Layout::rows;
  if (method == "none") return Layout::entries;
  return is_matrix(role) ? Layout::matrices : Layout::rows;
}

// How a tensor lies in a group of matrices: query, key and value head by head, or as one stack.
std::vector<int64_t> matrix_shape(c10::IntArrayRef shape, bool fused) {
  if (fused) return {shape[0] * shape[1], shape[2]};
  return shape.vec();
}

// What members of one group have in common.
std::string key_of(const std::string& path, c10::IntArrayRef shape, const Group& like) {
  switch (like.layout) {
    case Layout::matrices:
      return fmt::format("matrices {} {} {} {}", shape[shape.size() - 2], shape.back(), like.cap,
                         like.method);
    case Layout::rows:
      return path;  // the longest row is that of one table
    case Layout::entries:
      return fmt::format("entries {}", like.decays);
  }
  return path;
}

at::Tensor arranged(const at::Tensor& entries, Layout layout, c10::IntArrayRef shape) {
  switch (layout) {
    case Layout::matrices:
      return entries.view({-1, shape[shape.size() - 2], shape.back()});
    case Layout::rows:
      return entries.view({-1, shape.back()});
    case Layout::entries:
      return entries;
  }
  return entries;
}

at::Tensor member_of(const at::Tensor& storage, const Member& member) {
  return storage.view({-1})
      .narrow(0, member.offset, c10::multiply_integers(member.shape))
      .view(member.shape);
}

// A group before its values lie side by side.
struct Draft {
  Group group;
  std::vector<at::Tensor> parts;  // entries of each member
  std::vector<int64_t> shape;     // of the first member's matrix or table
};

void store(Draft& draft) {
  auto& [group, parts, shape] = draft;
  int64_t offset = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    group.members[i].offset = offset;
    offset += parts[i].numel();
  }
  group.value = arranged(at::cat(parts), group.layout, shape);
  group.momentum = at::zeros_like(group.value);
  if (group.rule == Rule::adam) group.second = at::zeros_like(group.value);
  for (Member& member : group.members) {
    member.leaf = member_of(group.value, member).detach().requires_grad_(true);
  }
}

const at::Tensor& find_state(const NamedTensors& from, const std::string& name,
                             c10::IntArrayRef shape) {
  const auto at = from.find(name);
  require(at != from.end(),
          "the checkpoint has no optimizer state '{}': was it trained with another optimizer?",
          name);
  require(at->second.sizes() == shape && at->second.scalar_type() == at::kFloat,
          "expected fp32 optimizer state '{}' of shape {}, the checkpoint has {} of shape {}", name,
          shape_text(shape), c10::toString(at->second.scalar_type()),
          shape_text(at->second.sizes()));
  return at->second;
}

// The state tensors of a rule and what they are called in a checkpoint.
std::vector<std::pair<std::string, at::Tensor>> named_state(const Group& group) {
  if (group.rule != Rule::adam) return {{"momentum.", group.momentum}};
  return {{"adam_m.", group.momentum}, {"adam_v.", group.second}};
}

std::vector<Draft> drafts_of(models::Network& network, const OptimizerOptions& optimizer,
                             const ConstraintOptions& constraint) {
  std::vector<Draft> drafts;
  std::map<std::string, size_t> index;
  size_t place = 0;
  models::for_each_tensor(network, [&](const std::string& path, at::Tensor& tensor, Role role) {
    if (!models::is_trained(role)) return;
    Group like;
    like.rule = rule_of(role, optimizer);
    like.decays = is_matrix(role);
    like.method = method_of(role, constraint);
    like.layout = layout_of(role, like.rule, like.method);
    like.cap = rms_cap_of(role, constraint);
    const auto shape = matrix_shape(tensor.sizes(), fuses_heads(role, constraint));
    const auto [at, fresh] = index.emplace(key_of(path, shape, like), drafts.size());
    if (fresh) drafts.push_back({like, {}, shape});
    Draft& draft = drafts[at->second];
    draft.group.members.push_back({path, tensor.sizes().vec(), place++, 0, {}});
    draft.parts.push_back(tensor.detach().to(at::kFloat).flatten());
  });
  return drafts;
}

// The same with the members of each owner in a group of their own.
std::vector<Draft> divided(const std::vector<Draft>& drafts, int ranks) {
  std::vector<double> costs;
  for (const Draft& draft : drafts) {
    const bool matrices = draft.group.layout == Layout::matrices;
    for (const at::Tensor& part : draft.parts) {
      costs.push_back(step_cost(part.numel(), draft.shape, matrices));
    }
  }
  const std::vector<int> owners = divide(costs, ranks);
  std::vector<Draft> all;
  size_t first = 0;
  for (const Draft& draft : drafts) {
    for (int rank = 0; rank < ranks; ++rank) {
      Draft own{draft.group, {}, draft.shape};
      own.group.owner = rank;
      own.group.members.clear();
      for (size_t i = 0; i < draft.parts.size(); ++i) {
        if (owners[first + i] != rank) continue;
        own.group.members.push_back(draft.group.members[i]);
        own.parts.push_back(draft.parts[i]);
      }
      if (!own.parts.empty()) all.push_back(std::move(own));
    }
    first += draft.parts.size();
  }
  return all;
}

}  // namespace

std::vector<Group> make_groups(models::Network& network, const OptimizerOptions& optimizer,
                               const ConstraintOptions& constraint, int ranks) {
  std::vector<Draft> drafts = drafts_of(network, optimizer, constraint);
  if (ranks > 1) drafts = divided(drafts, ranks);
  std::vector<Group> groups;
  std::map<std::string, at::Tensor> leaf;
  for (Draft& draft : drafts) {
    store(draft);
    for (const Member& member : draft.group.members) leaf[member.path] = member.leaf;
    groups.push_back(std::move(draft.group));
  }
  models::for_each_tensor(network, [&](const std::string& path, at::Tensor& tensor, Role role) {
    if (models::is_trained(role)) tensor = leaf.at(path);
  });
  return groups;
}

std::vector<at::Tensor> leaves(const std::vector<Group>& groups) {
  std::vector<at::Tensor> all;
  for (const Group& group : groups) {
    for (const Member& member : group.members) all.push_back(member.leaf);
  }
  return all;
}

at::Tensor side_by_side(const Group& group, const std::vector<at::Tensor>& gradients, size_t& next,
                        kernels::Workspace& workspace) {
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i < group.members.size(); ++i) parts.push_back(gradients[next++].flatten());
  if (parts.size() == 1) return parts.front().view(group.value.sizes());
  at::Tensor all = workspace.take(kernels::kCallerSlots, {group.value.numel()},
                                  group.value.options().requires_grad(false));
  return at::cat_out(all, parts).view(group.value.sizes());
}

void save_state(const std::vector<Group>& groups, NamedTensors& out) {
  for (const Group& group : groups) {
    for (const auto& [prefix, storage] : named_state(group)) {
      for (const Member& member : group.members) {
        out[prefix + member.path] = member_of(storage, member).clone();
      }
    }
  }
}

void restore_state(std::vector<Group>& groups, const NamedTensors& from) {
  for (const Group& group : groups) {
    for (const auto& [prefix, storage] : named_state(group)) {
      for (const Member& member : group.members) {
        member_of(storage, member).copy_(find_state(from, prefix + member.path, member.shape));
      }
    }
  }
}

}  // namespace taut::train
