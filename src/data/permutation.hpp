#pragma once

#include <cstdint>

namespace taut::data {

// Where a permutation of 0 .. size - 1, chosen by `key`, sends `index`; no memory, any size. A
// Feistel network on the even number of bits that holds `size`, applied again while its result is
// not below `size` (cycle walking: Black and Rogaway, "Ciphers with Arbitrary Finite Domains",
// 2002).
int64_t permuted(int64_t index, int64_t size, uint64_t key);

}  // namespace taut::data
