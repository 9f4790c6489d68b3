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
  const at::Tensor turn = draw(2, images.size(0), generator).to(at::kBool).view({-1, 1, 1, 1});
  return at::where(turn, images.flip(3), images);
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

}  // namespace

at::Tensor augment(const at::Tensor& images, const Augmentation& how, uint64_t key) {
  require(images.dim() == 4, "only images can be flipped or shifted, got a tensor of shape {}",
          shape_text(images.sizes()));
  at::Generator generator = make_generator(key);
  at::Tensor out = images;
  if (how.shift > 0) out = shifted(out, how.shift, generator);
  if (how.flip) out = flipped(out, generator);
  return out;
}

}  // namespace taut::data
