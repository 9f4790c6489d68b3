#pragma once

#include "start.hpp"

namespace taut::kernels::cuda {

// Tiles of the upper triangle, column by column: number t is tile (row, col), row <= col.
struct UpperTile {
  int64_t row, col;
};

__host__ __device__ inline int64_t upper_tiles(int64_t side) { return side * (side + 1) / 2; }

// The root is only a guess, put right in whole numbers.
__device__ __forceinline__ UpperTile upper_tile(int64_t t) {
  int64_t col = static_cast<int64_t>((sqrt(8.0 * static_cast<double>(t) + 1) - 1) / 2);
  while (col * (col + 1) / 2 > t) --col;
  while ((col + 1) * (col + 2) / 2 <= t) ++col;
  return {t - col * (col + 1) / 2, col};
}

}  // namespace taut::kernels::cuda
