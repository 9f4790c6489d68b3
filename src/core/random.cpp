#include "src/core/random.hpp"

#include <ATen/CPUGeneratorImpl.h>

namespace taut {
namespace {

uint64_t finalise(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t mix(uint64_t seed, std::initializer_list<uint64_t> counters) {
  uint64_t state = finalise(seed ^ 0x5851f42d4c957f2dULL);
  for (const uint64_t counter : counters) {
    // The multiplier keeps the chain from being symmetric in state and counter.
    state = finalise(state * 0xd1342543de82ef95ULL + finalise(counter + 0x9e3779b97f4a7c15ULL));
  }
  return state;
}

at::Generator make_generator(uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

}  // namespace taut
