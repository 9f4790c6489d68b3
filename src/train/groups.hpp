#pragma once

#include <ATen/core/Tensor.h>

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "kernels/workspace.hpp"
#include "models/network.hpp"
#include "src/train/options.hpp"

namespace taut::train {

// How a tensor is stepped: whole matrices, table rows, or entry by entry.
enum class Rule { muon, rows, adam, sgd };

// How a group's values are arranged: what a constraint can act on.
enum class Layout { matrices, rows, entries };

struct Member {
  std::string path;
  std::vector<int64_t> shape;
  size_t place = 0;    // in the network's order
  int64_t offset = 0;  // entries, in the group's tensors
  at::Tensor leaf;     // the network's tensor: a view of the group's `value` that wants a gradient
};

// Parameters stepped in one call. Their values lie side by side in `value`, and the network's
// tensors are views of it: small networks cost calls, not arithmetic.
struct Group {
  Rule rule = Rule::adam;
  Layout layout = Layout::entries;
  int owner = 0;        // the rank that steps it
  bool decays = false;  // the weight decay of the optimizer applies
  double cap = 0;       // RMS->RMS of a matrix, RMS of a table row; infinity: none
  std::string method;   // of the constraint (constraint.hpp)
  // RMS->RMS: no matrix of the group is longer; carried from step to step when caps are lazy
  double bound = std::numeric_limits<double>::infinity();
  bool held = true;  // no certified division is due (Rates::certify)
  at::Tensor block;  // where top_singular goes on from, for the methods that ask for it
  std::vector<Member> members;
  at::Tensor value;     // (matrices, out, in), (rows, width) or (entries)
  at::Tensor momentum;  // like value; the first moment of adam
  at::Tensor second;    // like value; adam only
};

// Groups all trainable tensors: matrices by shape, cap and method (a head is a matrix unless heads
// are fused), each table on its own, the rest as one row of entries. From here on the network's
// tensors are leaves and live in the groups. State starts at zero. Among several ranks every tensor
// has one owner, so that their work is about the same, and a group holds those of one owner.
std::vector<Group> make_groups(models::Network& network, const OptimizerOptions& optimizer,
                               const ConstraintOptions& constraint, int ranks = 1);

// The network's tensors in group order: what to differentiate with respect to.
std::vector<at::Tensor> leaves(const std::vector<Group>& groups);

// The gradients of one group, side by side like its `value`, in the workspace where they are
// several; consumes from `next` on.
at::Tensor side_by_side(const Group& group, const std::vector<at::Tensor>& gradients, size_t& next,
                        kernels::Workspace& workspace);

// Optimizer state by name, in the shapes of the network: "momentum.<path>", "adam_m.<path>",
// "adam_v.<path>". Restoring throws Error when a tensor is missing or has another shape.
using NamedTensors = std::map<std::string, at::Tensor>;
void save_state(const std::vector<Group>& groups, NamedTensors& out);
void restore_state(std::vector<Group>& groups, const NamedTensors& from);

}  // namespace taut::train
