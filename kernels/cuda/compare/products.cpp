#include "kernels/cuda/compare/arrays.hpp"
#include "kernels/cuda/reference/reference.hpp"

#include <cstring>

namespace taut::kernels::cuda {
namespace {

// A symmetric product of W with itself or of its Gram matrix, and its bound: reference and
// magnitudes come from the same loops.
struct Operands {
  std::vector<float> x, y, addend;  // y empty: x again
  std::vector<double> each;
  int64_t batch, n, k;
  double alpha, beta;
};

std::vector<double> reference_of(const Operands& o, bool magnitude) {
  const auto wide = [&](const std::vector<float>& x) {
    return magnitude ? magnitudes(widened(x)) : widened(x);
  };
  const std::vector<double> x = wide(o.x), y = wide(o.y.empty() ? o.x : o.y);
  const std::vector<double> addend = wide(o.addend);
  const std::vector<double> each = magnitude ? magnitudes(o.each) : o.each;
  std::vector<double> out(sized(o.batch * o.n * o.n));
  reference::symmetric_product(
      x.data(), y.data(),
      {o.batch, o.n, o.k, magnitude ? std::fabs(o.alpha) : o.alpha,
       magnitude ? std::fabs(o.beta) : o.beta, each.empty() ? nullptr : each.data(),
       addend.empty() ? nullptr : addend.data(), out.data()});
  return out;
}

SymmetricProduct on_device(const Device& device, const Operands& o) {
  return {o.batch,
          o.n,
          o.k,
          o.alpha,
          o.beta,
          o.each.empty() ? nullptr : put(device, o.each),
          o.addend.empty() ? nullptr : put(device, o.addend),
          space<float>(device, o.batch * o.n * o.n)};
}

// The halves of the result agree bit for bit.
Comparison judge_symmetry(const std::string& kernel, const std::vector<double>& got, int64_t n) {
  std::vector<double> image(got.size());
  for (int64_t i = 0; i < static_cast<int64_t>(got.size()); ++i) {
    const int64_t matrix = i / (n * n), row = i / n % n, col = i % n;
    image[sized(i)] = got[sized((matrix * n + col) * n + row)];
  }
  return judge(kernel + ": symmetry", got, image, std::vector<double>(got.size()));
}

std::vector<double> scaled(std::vector<double> magnitude, double share, double least) {
  for (double& m : magnitude) m = share * m + least;
  return magnitude;
}

// k products and sums, the coefficients, two products and a sum; each product may underflow.
void compare_single(const Device& device, const Operands& o, const std::string& name,
                    std::vector<Comparison>& out, bool in_place = false) {
  SymmetricProduct p = on_device(device, o);
  if (in_place) p.addend = p.out = put(device, o.addend);
  const float* x = put(device, o.x);
  const float* y = o.y.empty() ? x : put(device, o.y);
  launched("symmetric_product", symmetric_product(x, y, p, device.stream));
  const std::vector<double> got = take(device, p.out, o.batch * o.n * o.n);
  out.push_back(judge(
      name, got, reference_of(o, false),
      scaled(reference_of(o, true), gamma_of(o.k + 5), static_cast<double>(o.k + 5) * kLeast)));
  out.push_back(judge_symmetry(name, got, o.n));
}

// Tensor cores add products exactly up to a truncation to the largest term's 24 bits, in groups:
// under 2 units of 2^-23 a product. [Fasi, Higham, Mikaitis & Pranesh 2021]
double truncation(int64_t k) { return 2 * gamma_of(k + 5, 0x1p-23); }

void compare_tf32(const Device& device, const Operands& o, std::vector<Comparison>& out) {
  const SymmetricProduct p = on_device(device, o);
  const float* x = put(device, o.x);
  launched("symmetric_product_tf32", symmetric_product_tf32(x, x, p, device.stream));
  const std::vector<double> got = take(device, p.out, o.batch * o.n * o.n);
  const double inputs = 2 * 0x1p-11 + 0x1p-22;  // both factors rounded to 11 bits
  out.push_back(judge("symmetric_product_tf32", got, reference_of(o, false),
                      scaled(reference_of(o, true), inputs + truncation(o.k) * (1 + inputs),
                             static_cast<double>(o.k + 5) * 0x1p-126)));
  out.push_back(judge_symmetry("symmetric_product_tf32", got, o.n));
}

void compare_bf16(const Device& device, Operands o, std::vector<Comparison>& out) {
  std::vector<Bfloat16> x(o.x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    uint32_t bits;
    std::memcpy(&bits, &o.x[i], sizeof bits);
    bits &= 0xffff0000u;  // what is compared is the product of these, whatever W was
    x[i].bits = static_cast<uint16_t>(bits >> 16);
    std::memcpy(&o.x[i], &bits, sizeof bits);
  }
  const SymmetricProduct p = on_device(device, o);
  const Bfloat16* narrow = put(device, x);
  launched("symmetric_product_bf16", symmetric_product_bf16(narrow, narrow, p, device.stream));
  const std::vector<double> got = take(device, p.out, o.batch * o.n * o.n);
  out.push_back(judge(
      "symmetric_product_bf16", got, reference_of(o, false),
      scaled(reference_of(o, true), truncation(o.k), static_cast<double>(o.k + 5) * 0x1p-126)));
  out.push_back(judge_symmetry("symmetric_product_bf16", got, o.n));
}

// 3 I + R / 2, which commutes with R.
std::vector<float> commuting(std::vector<float> gram, int64_t n) {
  for (int64_t i = 0; i < static_cast<int64_t>(gram.size()); ++i) {
    const bool diagonal = i / n % n == i % n;
    gram[sized(i)] = 0.5f * gram[sized(i)] + (diagonal ? 3.0f : 0.0f);
  }
  return gram;
}

// Gram matrices in float, symmetric to the last bit.
std::vector<float> gram_of(const Matrices& w) {
  Operands o{w.entries, {}, {}, {}, w.batch, w.rows, w.cols, 1, 0};
  const std::vector<double> wide = reference_of(o, false);
  return {wide.begin(), wide.end()};
}

void compare_times(const Device& device, const Matrices& w, const std::vector<float>& gram,
                   std::vector<Comparison>& out) {
  constexpr double a = -1.75;
  const int64_t size = w.batch * w.rows * w.cols;
  const auto reference_times = [&](double factor, const std::vector<double>& x,
                                   const std::vector<double>& z) {
    std::vector<double> y(sized(size));
    reference::symmetric_times(factor, x.data(), z.data(), y.data(), w.batch, w.rows, w.cols);
    return y;
  };
  float* y = space<float>(device, size);
  launched("symmetric_times", symmetric_times(a, put(device, w.entries), put(device, gram), y,
                                              w.batch, w.rows, w.cols, device.stream));
  const std::vector<double> x = widened(w.entries), z = widened(gram);
  out.push_back(judge("symmetric_times", take(device, y, size), reference_times(a, x, z),
                      scaled(reference_times(-a, magnitudes(x), magnitudes(z)),
                             gamma_of(w.rows + 5), static_cast<double>(w.rows + 5) * kLeast)));
}

void compare_polynomial(const Device& device, const Matrices& w, std::vector<Comparison>& out) {
  constexpr double a = 0.7, b = -2.3;
  const std::vector<float> z(w.entries.rbegin(), w.entries.rend());
  const auto size = static_cast<int64_t>(z.size());
  float* y = space<float>(device, size);
  launched("polynomial_update",
           polynomial_update(a, put(device, w.entries), b, put(device, z), y, size, device.stream));
  std::vector<double> expected(z.size()), allowed(z.size());
  const std::vector<double> x = widened(w.entries), wide = widened(z);
  reference::polynomial_update(a, x.data(), b, wide.data(), expected.data(), size);
  for (size_t i = 0; i < z.size(); ++i) {  // coefficient, product and sum
    allowed[i] = gamma_of(4) * (std::fabs(a * x[i]) + std::fabs(b * wide[i])) + 2 * kLeast;
  }
  out.push_back(judge("polynomial_update", take(device, y, size), expected, allowed));
}

}  // namespace

std::vector<Comparison> compare_products(const Device& device, const Matrices& w) {
  std::vector<Comparison> out;
  const std::vector<float> gram = gram_of(w);
  std::vector<double> each(sized(w.batch));
  for (size_t i = 0; i < each.size(); ++i) each[i] = 0.5 + static_cast<double>(i);
  const Operands plain{w.entries, {}, {}, {}, w.batch, w.rows, w.cols, 1, 0};
  const Operands blended{w.entries, {}, gram, each, w.batch, w.rows, w.cols, -0.3, 1.7};
  compare_polynomial(device, w, out);
  compare_single(device, plain, "symmetric_product", out);
  compare_single(device, blended, "symmetric_product, blended", out);
  // b R + c R^2 in one pass
  compare_single(device, {gram, {}, gram, {}, w.batch, w.rows, w.rows, 0.4, -1.2},
                 "symmetric_product, b R + c R^2", out);
  compare_single(device, {gram, commuting(gram, w.rows), gram, {}, w.batch, w.rows, w.rows, 1, 1},
                 "symmetric_product, of two, in place", out, true);
  compare_tf32(device, plain, out);
  compare_tf32(device, blended, out);
  compare_bf16(device, plain, out);
  compare_bf16(device, blended, out);
  compare_times(device, w, gram, out);
  return out;
}

}  // namespace taut::kernels::cuda
