#include "attacks/draws.hpp"

#include <ATen/ATen.h>

#include <numbers>

#include "src/core/core.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;

Tensor shift_right(const Tensor& z, int64_t bits) {  // logical: ATen's shift keeps the sign
  return z.bitwise_right_shift(bits).bitwise_and((int64_t{1} << (64 - bits)) - 1);
}

Tensor scramble(const Tensor& z, int64_t bits, uint64_t factor) {
  return z.bitwise_xor(shift_right(z, bits)) * static_cast<int64_t>(factor);
}

}  // namespace

Tensor row_keys(uint64_t seed, const Tensor& example, const Tensor& position, uint64_t counter) {
  Tensor key = at::empty_like(example);
  for (int64_t i = 0; i < example.size(0); ++i) {
    const auto e = static_cast<uint64_t>(example.const_data_ptr<int64_t>()[i]);
    const auto p = static_cast<uint64_t>(position.const_data_ptr<int64_t>()[i]);
    key.mutable_data_ptr<int64_t>()[i] = static_cast<int64_t>(mix(seed, {e, p, counter}));
  }
  return key;
}

// SplitMix64 (Steele et al. 2014); int64 products wrap in ATen.
Tensor uniform(const Tensor& key, int64_t first, int64_t count) {
  const Tensor counter = at::arange(first + 1, first + count + 1, key.options());
  Tensor z = key.unsqueeze(1) + counter * static_cast<int64_t>(0x9e3779b97f4a7c15ULL);
  z = scramble(z, 30, 0xbf58476d1ce4e5b9ULL);
  z = scramble(z, 27, 0x94d049bb133111ebULL);
  z = z.bitwise_xor(shift_right(z, 31));
  return (shift_right(z, 40).to(at::kFloat) + 0.5) * 0x1p-24;
}

Tensor normal(const Tensor& key, int64_t first, int64_t count) {  // Box and Muller
  const Tensor u = uniform(key, first, 2 * count);
  const Tensor radius = (u.narrow(1, 0, count).log() * -2).sqrt();
  return radius * (u.narrow(1, count, count) * (2 * std::numbers::pi)).cos();
}

}  // namespace taut::attacks
