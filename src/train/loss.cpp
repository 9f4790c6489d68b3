#include "src/train/loss.hpp"

#include <ATen/ATen.h>

namespace taut::train {

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& label, double margin) {
  at::Tensor z = logits.flatten(0, 1);
  const at::Tensor y = label.flatten();
  if (margin > 0) {
    // The softmax does not see a shift of all logits: raising the rivals is lowering the label.
    z = z.scatter_add(1, y.unsqueeze(1), at::full({z.size(0), 1}, -margin, z.options()));
  }
  return at::cross_entropy_loss(z, y);
}

int64_t count_correct(const at::Tensor& logits, const at::Tensor& label) {
  return logits.argmax(-1).eq(label).sum().item<int64_t>();
}

}  // namespace taut::train
