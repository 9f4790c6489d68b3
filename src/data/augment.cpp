#include <ATen/ATen.h>

#include "src/core/core.hpp"
#include "src/data/data.hpp"

namespace taut::data {
namespace {

// One number in [0, count) per row.
at::Tensor draw(int64_t count, int64_t rows, at::Generator& generator) {
  return at::randint(0, count, {rows}, generator, at::kLong);
}

at::Tensor flipped(const at::Tensor& images, at::Generator& generator) {
  const at::Tensor turned = draw(2, images.size(0), generator).nonzero().flatten();
  return images.index_copy(0, turned, images.index_select(0, turned).flip(3));
}

// Windows of the image on a black border, one place per row.
at::Tensor shifted(const at::Tensor& images, int64_t border, at::Generator& generator) {
  const int64_t rows = images.size(0), height = images.size(2), width = images.size(3);
  const at::Tensor wide = at::constant_pad_nd(images, {border, border, border, border});
  const at::Tensor down = draw(2 * border + 1, rows, generator).unsqueeze(1);
  const at::Tensor right = draw(2 * border + 1, rows, generator).unsqueeze(1);
  const at::Tensor y = down + at::arange(height, at::kLong);  // (rows, height)
  const at::Tensor x = right + at::arange(width, at::kLong);  // (rows, width)
  // Advanced indices around a slice go first: (rows, height, width, channels).
  const at::Tensor picked = wide.index({at::arange(rows, at::kLong).view({-1, 1, 1}),
                                        at::indexing::Slice(), y.unsqueeze(2), x.unsqueeze(1)});
  return picked.permute({0, 3, 1, 2}).contiguous();
}

at::Tensor noised(const at::Tensor& ids, double share, at::Generator& generator) {
  const at::Tensor replaced = at::rand(ids.sizes(), generator, at::kDouble) < share;
  const at::Tensor from = draw(ids.numel(), ids.numel(), generator);
  return at::where(replaced, ids.flatten().index_select(0, from).view(ids.sizes()), ids);
}

}  // namespace

at::Tensor augment(const at::Tensor& input, const Augmentation& how, uint64_t key) {
  require(input.dim() == 4 || (!how.flip && how.shift == 0),
          "only images can be flipped or shifted, got a tensor of shape {}",
          shape_text(input.sizes()));
  require(input.scalar_type() == at::kLong || how.noise == 0,
          "only token ids can be replaced, got a tensor of {}", c10::toString(input.scalar_type()));
  at::Generator generator = make_generator(key);
  at::Tensor out = input;
  if (how.shift > 0) out = shifted(out, how.shift, generator);
  if (how.flip) out = flipped(out, generator);
  if (how.noise > 0) out = noised(out, how.noise, generator);
  return out;
}

}  // namespace taut::data
