#include "kernels/workspace.hpp"

#include <ATen/ATen.h>

namespace taut::kernels {

at::Tensor Workspace::take(size_t slot, c10::IntArrayRef shape, const at::TensorOptions& options) {
  if (slots_.size() <= slot) slots_.resize(slot + 1);
  at::Tensor& held = slots_[slot];
  const int64_t size = c10::multiply_integers(shape);
  const bool fits = held.defined() && held.numel() >= size && held.dtype() == options.dtype() &&
                    held.device() == options.device();
  if (!fits) held = at::empty({size}, options);
  return held.narrow(0, 0, size).view(shape);
}

}  // namespace taut::kernels
