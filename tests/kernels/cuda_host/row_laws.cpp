#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "checks.hpp"
#include "kernels/cuda/launch.hpp"

namespace taut::test {
namespace {

namespace cuda = kernels::cuda;
using Row = std::vector<float>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

long double square_of(const Row& x) {
  long double sum = 0;
  for (const float v : x) sum += static_cast<long double>(v) * v;
  return sum;
}

Row capped(const Row& x, double cap) {
  Row y(x.size());
  check(cuda::row_rms_cap(x.data(), cap, y.data(), 1, static_cast<int64_t>(x.size()), nullptr) ==
            nullptr,
        "launch of a cap");
  return y;
}

// RMS <= cap, that is sum <= width cap^2, with 64 bits: sums of 1,100 squares of 24 bits and the
// right side are off by less than 2^-52 of themselves there, which the kernel stays away by.
bool holds(const Row& y, double cap) {
  const auto width = static_cast<long double>(y.size());
  return square_of(y) <= width * cap * cap * (1 + 0x1p-52L);
}

void caps_hold(std::mt19937_64& random) {
  std::normal_distribution<double> normal(0, 1);
  std::uniform_real_distribution<double> exponent(-44, 38);
  for (int trial = 0; trial < 60; ++trial) {
    Row x(trial % 10 == 0 ? 1100 : 1 + static_cast<size_t>(trial));
    const double scale = std::pow(10, exponent(random));
    for (float& v : x) v = static_cast<float>(scale * std::tanh(normal(random)));
    const double rms =
        std::sqrt(static_cast<double>(square_of(x) / static_cast<long double>(x.size())));
    for (const double cap :
         {rms * 1e-3, rms * 0.5, rms * (1 - 1e-9), rms, rms * (1 + 1e-9), 1e-45}) {
      if (!(cap > 0)) continue;
      const Row y = capped(x, cap);
      check(holds(y, cap), "the cap holds");
      Row in_place = x;
      cuda::row_rms_cap(in_place.data(), cap, in_place.data(), 1, static_cast<int64_t>(x.size()),
                        nullptr);
      check(in_place == y, "a cap in place");
      if (cap > rms * (1 + 1e-12)) check(y == x, "a row that holds the cap stays");
      if (cap < rms && cap > 1e-30) {
        const long double size = square_of(y) / static_cast<long double>(y.size());
        check(size >= cap * cap * (1 - 0x1p-20L), "a row is not shrunk for nothing");
      }
    }
  }
}

void rows_that_are_no_numbers_show() {
  for (const float bad : {std::nanf(""), kInfinity, -kInfinity}) {
    for (const float v : capped({1, bad, 2}, 0.1)) check(std::isnan(v), "a bad row becomes NaN");
  }
  // Entries of 71 units of the smallest float: rounding to whole units needs more room than a
  // share.
  const Row small(5, 1e-43f), less = capped(small, 5e-44);
  check(less[0] > 4e-44f && holds(less, 5e-44), "rows of subnormal entries keep what they can");
  check(capped({0, 0, 0}, 1) == Row({0, 0, 0}), "zero stays zero");
}

void norms_are_not_below(std::mt19937_64& random) {
  std::normal_distribution<float> normal(0, 3e37f);
  for (const size_t width : {1u, 7u, 1024u, 1025u}) {
    Row x(width);
    for (float& v : x) v = normal(random);
    double norm = 0;
    check(cuda::row_norms(x.data(), &norm, 1, static_cast<int64_t>(width), nullptr) == nullptr,
          "launch of norms");
    const long double exact = std::sqrt(square_of(x));
    check(norm >= exact && norm <= exact * (1 + 0x1p-40L), "a norm, from above");
  }
}

// Outside the ball a step along x does not move y, and one across is scaled by radius / RMS(x);
// inside, gradients pass.
void clamp_gradients(std::mt19937_64& random) {
  std::normal_distribution<float> normal(0, 1);
  const int64_t width = 24;
  Row x(width), g(width), got(width);
  for (float& v : x) v = normal(random);
  for (float& v : g) v = normal(random);
  const double rms = std::sqrt(static_cast<double>(square_of(x)) / width);
  const auto pull = [&](double radius) {
    check(cuda::ball_clamp_backward(x.data(), g.data(), radius, got.data(), 1, width, nullptr) ==
              nullptr,
          "launch of a clamp's gradient");
  };
  pull(2 * rms);
  check(got == g, "inside, gradients pass");
  pull(0.5 * rms);
  double along = 0, x_g = 0;
  for (int64_t i = 0; i < width; ++i) {
    along += static_cast<double>(got[i]) * x[i];
    x_g += static_cast<double>(g[i]) * x[i];
  }
  const double size = std::sqrt(static_cast<double>(square_of(x) * square_of(g)));
  check(std::fabs(along) <= 0x1p-22 * size, "no gradient along x");
  for (int64_t i = 0; i < width; ++i) {
    const double across = g[i] - x[i] * x_g / static_cast<double>(square_of(x));
    check(std::fabs(got[i] - 0.5 * across) <= 0x1p-22 * (std::fabs(across) + 1), "across, scaled");
  }
}

}  // namespace

void row_laws() {
  std::mt19937_64 random(20250718);
  caps_hold(random);
  rows_that_are_no_numbers_show();
  norms_are_not_below(random);
  clamp_gradients(random);
}

}  // namespace taut::test
