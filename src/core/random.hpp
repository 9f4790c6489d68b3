#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <initializer_list>

namespace taut {

// A hash of `seed` and counters (SplitMix64 finaliser, Steele et al. 2014). Draws keyed by what
// they are for (sample, restart, epoch) do not depend on batching or order.
uint64_t mix(uint64_t seed, std::initializer_list<uint64_t> counters);

// A CPU generator of its own; nothing in the project touches the global one.
at::Generator make_generator(uint64_t seed);

}  // namespace taut
