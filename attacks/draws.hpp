#pragma once

#include <ATen/core/Tensor.h>

// Counter-based draws: number i of a row depends on the row's key and i alone, so that neither
// batching nor order nor device changes it.
namespace taut::attacks {

// (rows) int64: the keys of rows `example`, `position` (rows) int64 on the CPU in use `counter`.
at::Tensor row_keys(uint64_t seed, const at::Tensor& example, const at::Tensor& position,
                    uint64_t counter);

// (rows, count) float in (0, 1]: the draws first .. first + count - 1 of every key, (rows) int64.
at::Tensor uniform(const at::Tensor& key, int64_t first, int64_t count);

// (rows, count) float, standard normal; uses up 2 * count draws.
at::Tensor normal(const at::Tensor& key, int64_t first, int64_t count);

}  // namespace taut::attacks
