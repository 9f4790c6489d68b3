#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "block_sum.hpp"
#include "kernels/cuda/launch.hpp"
#include "start.hpp"

// Executes the CUDA kernels on the CPU against double precision references. No LibTorch and no test
// framework, so that a sanitizer sees nothing but our kernels.
//   cuda_host          every check; exit status 1 if one fails
//   cuda_host race     a kernel with a missing barrier, for ThreadSanitizer to find
using namespace taut;

namespace {

int failures = 0;

void check(bool holds, const std::string& what) {
  if (holds) return;
  ++failures;
  std::printf("failed: %s\n", what.c_str());
}

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

// Few launches: each starts 256 threads, and a sanitizer makes those dear.
template <class T>
void polynomial_checks() {
  std::mt19937 random(20250718);
  for (const int64_t size : {0, 1, 3, 4, 5, 1025}) {
    polynomial_matches<T>({size, 0, 0, 0, false}, random);
  }
  for (const Layout& layout :
       {Layout{5, 1, 1, 1, false}, Layout{513, 1, 0, 0, false}, Layout{513, 0, 1, 0, false},
        Layout{513, 0, 0, 1, false}, Layout{513, 0, 0, 0, true}, Layout{513, 1, 0, 0, true}}) {
    polynomial_matches<T>(layout, random);
  }
  test::most_blocks = 2;  // the grid-stride loop goes round
  polynomial_matches<T>({5001, 0, 0, 0, false}, random);
  polynomial_matches<T>({1201, 1, 0, 1, false}, random);
  test::most_blocks = std::numeric_limits<int>::max();
}

void sums_match(bool synchronized) {
  constexpr int blocks = 3;
  std::vector<float> x(test::kBlock * blocks), sums(blocks);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  check(test::sum_blocks(x.data(), sums.data(), blocks, synchronized) == nullptr, "launch, sum");
  for (int b = 0; b < blocks; ++b) {
    const int first = b * test::kBlock;
    const float expected = test::kBlock * first + test::kBlock * (test::kBlock - 1) / 2;
    check(sums[b] == expected, "sum of block " + std::to_string(b));
  }
}

}  // namespace

int main(int count, char** words) {
  if (count > 1 && std::strcmp(words[1], "race") == 0) {
    sums_match(false);
    return 0;
  }
  polynomial_checks<float>();
  polynomial_checks<double>();
  sums_match(true);
  check(kernels::cuda::start(
            +[] {}, 0, 32, nullptr) != nullptr,
        "an empty grid is refused");
  std::printf("%d checks failed\n", failures);
  return failures == 0 ? 0 : 1;
}
