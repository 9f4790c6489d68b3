#include "src/train/loss.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "src/core/core.hpp"

namespace taut::train {

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& label, double margin,
                         const at::Tensor& handicap, double smoothing) {
  at::Tensor z = logits.flatten(0, 1);
  const at::Tensor y = label.flatten();
  if (margin > 0) {
    // The softmax does not see a shift of all logits: raising the rivals is lowering the label.
    z = z.scatter_add(1, y.unsqueeze(1), at::full({z.size(0), 1}, -margin, z.options()));
  }
  if (handicap.defined()) z = z + handicap.index_select(0, y);
  return at::cross_entropy_loss(z, y, /*weight=*/{}, at::Reduction::Mean, /*ignore_index=*/-100,
                                smoothing);
}

at::Tensor head_distances(const models::Linear& head) {
  const int64_t classes = head.weight.size(0), width = head.weight.size(1);
  require(classes * classes * width <= (1 << 28),
          "loss.certified_eps compares all pairs of classes: {} classes of width {} are too many",
          classes, width);
  // Row by row: the expansion |a|^2 + |b|^2 - 2 <a, b> loses close rows in fp32.
  const at::Tensor square = (head.weight.unsqueeze(0) - head.weight.unsqueeze(1)).square().sum(-1);
  const at::Tensor apart = square > 0;  // the root has no slope at 0
  const at::Tensor root = at::where(apart, square, at::ones_like(square)).sqrt();
  return at::where(apart, root, at::zeros_like(root)) * std::fabs(head.gain);
}

at::Tensor correct(const at::Tensor& logits, const at::Tensor& label) {
  return logits.argmax(-1).eq(label).sum();
}

int64_t count_correct(const at::Tensor& logits, const at::Tensor& label) {
  return correct(logits, label).item<int64_t>();
}

}  // namespace taut::train
