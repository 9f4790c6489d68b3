#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "checks.hpp"
#include "kernels/cuda/launch.hpp"
#include "machine.hpp"

namespace taut::test {
namespace {

struct Layout {
  int64_t size = 0;
  int x = 0, z = 0, y = 0;  // offset of each operand from a 16-byte boundary, in entries
  bool in_place = false;
};

// 16-byte aligned storage with a guard value around what a kernel may write.
template <class T>
struct Buffer {
  static constexpr int64_t guard = 16 / sizeof(T);
  explicit Buffer(int64_t size) : packs(static_cast<size_t>(size / guard + 4)) {
    for (int64_t i = 0; i < entries(); ++i) first()[i] = T(-77);
  }
  struct alignas(16) Pack {
    T entry[guard];
  };
  T* first() { return packs.front().entry; }
  T* at(int offset) { return first() + guard + offset; }
  int64_t entries() const { return static_cast<int64_t>(packs.size()) * guard; }
  std::vector<Pack> packs;
};

template <class T>
void polynomial_matches(const Layout& layout, std::mt19937& random) {
  std::uniform_real_distribution<double> uniform(-2, 2);
  Buffer<T> xs(layout.size), zs(layout.size), ys(layout.size);
  T* x = xs.at(layout.x);
  T* z = zs.at(layout.z);
  T* y = layout.in_place ? x : ys.at(layout.y);
  const double a = uniform(random), b = uniform(random),
               unit = std::numeric_limits<T>::epsilon() / 2;
  std::vector<double> expected(layout.size), allowed(layout.size);
  for (int64_t i = 0; i < layout.size; ++i) {
    x[i] = static_cast<T>(uniform(random));
    z[i] = static_cast<T>(uniform(random));
    expected[i] = a * x[i] + b * z[i];
    // Coefficients, products and sum are rounded once each, in the reference too.
    allowed[i] = 5 * unit * (std::fabs(a * x[i]) + std::fabs(b * z[i]));
  }
  const std::string name = "size " + std::to_string(layout.size) + ", offsets " +
                           std::to_string(layout.x) + std::to_string(layout.z) +
                           std::to_string(layout.y) + (sizeof(T) == 4 ? ", float" : ", double");
  check(kernels::cuda::polynomial_update(a, x, b, z, y, layout.size, nullptr) == nullptr,
        "launch, " + name);
  bool close = true;
  for (int64_t i = 0; i < layout.size; ++i)
    close = close && std::fabs(y[i] - expected[i]) <= allowed[i];
  check(close, "values, " + name);
  Buffer<T>& written = layout.in_place ? xs : ys;
  bool kept = true;
  for (T* p = written.first(); p < written.first() + written.entries(); ++p) {
    if (p < y || p >= y + layout.size) kept = kept && *p == T(-77);
  }
  check(kept, "entries around the output, " + name);
}

template <class T>
void checks_of() {
  std::mt19937 random(20250718);
  for (const int64_t size : {0, 1, 3, 4, 5, 1025}) {
    polynomial_matches<T>({size, 0, 0, 0, false}, random);
  }
  for (const Layout& layout :
       {Layout{5, 1, 1, 1, false}, Layout{513, 1, 0, 0, false}, Layout{513, 0, 1, 0, false},
        Layout{513, 0, 0, 1, false}, Layout{513, 0, 0, 0, true}, Layout{513, 1, 0, 0, true}}) {
    polynomial_matches<T>(layout, random);
  }
  most_blocks = 2;  // the grid-stride loop goes round
  polynomial_matches<T>({5001, 0, 0, 0, false}, random);
  polynomial_matches<T>({1201, 1, 0, 1, false}, random);
  most_blocks = std::numeric_limits<unsigned>::max();
}

}  // namespace

void polynomial_checks() {
  checks_of<float>();
  checks_of<double>();
}

}  // namespace taut::test
