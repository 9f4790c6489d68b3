#pragma once

#include <vector>

#include "src/team/team.hpp"
#include "src/train/optimizer.hpp"
#include "src/train/pair_sum.hpp"

// What the ranks of a training tell each other beyond a step's own broadcasts.
namespace taut::train {

// Gradients summed over the slices of a batch, each at the owner of its group. While the backward
// pass of a rank's last slice goes on, a hook on every leaf starts to send what the rank has as
// soon as it is complete. Sums are made in pairs, so that ranks and slices can be exchanged
// (PairSum).
class GradientSums {
 public:
  explicit GradientSums(const Optimizer& optimizer);
  ~GradientSums();  // takes the hooks away
  GradientSums(const GradientSums&) = delete;
  GradientSums& operator=(const GradientSums&) = delete;

  // Gradients of a slice before the last, in the order of leaves().
  void add(const std::vector<at::Tensor>& gradients);

  // Before the backward pass of the last slice, and with what it returned: the sums, of groups that
  // this rank owns; the others are undefined.
  void expect_last();
  std::vector<at::Tensor> finish(const std::vector<at::Tensor>& gradients);

  // Of the leaves, how many were on their way before the backward pass had ended.
  size_t sent_early() const { return early_; }

 private:
  struct Leaf {
    at::Tensor tensor;
    size_t place = 0;  // in the network
    int owner = 0;
    unsigned hook = 0;
    PairSum own{};
    bool complete = false;
    at::Tensor all{};  // of all ranks, at the owner
    team::Pending sent{};
  };

  void arrive(Leaf& leaf, const at::Tensor& gradient);
  void send(Leaf& leaf);

  team::Team team_;
  std::vector<Leaf> leaves_;
  std::vector<size_t> order_;  // from the network's end, as backward passes go
  size_t sent_ = 0, early_ = 0;
  bool hooked_ = false;
};

// The weights of the first rank in those of all: ranks with other processors round otherwise.
void share_weights(const Optimizer& optimizer);

// Brings what owners carry from step to step to all ranks, so that each could write the checkpoint.
void share_state(Optimizer& optimizer);

}  // namespace taut::train
