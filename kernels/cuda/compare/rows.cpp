#include "kernels/cuda/compare/arrays.hpp"
#include "kernels/cuda/reference/reference.hpp"

#include <algorithm>

namespace taut::kernels::cuda {
namespace {

// Rows of W, seen by kernel and reference, with a cap that half of them exceed.
struct Rows {
  int64_t count, width;
  std::vector<float> entries;
  std::vector<double> wide, norms;
  double cap;
};

Rows rows_of(const Matrices& w) {
  Rows r{w.batch * w.rows, w.cols, w.entries, widened(w.entries), {}, 1};
  r.norms.resize(sized(r.count));
  reference::row_norms(r.wide.data(), r.norms.data(), r.count, r.width);
  std::vector<double> sorted = r.norms;
  std::sort(sorted.begin(), sorted.end());
  if (!sorted.empty() && sorted[sorted.size() / 2] > 0) {
    r.cap = 0.9 * sorted[sorted.size() / 2] / std::sqrt(static_cast<double>(r.width));
  }
  return r;
}

int64_t size_of(const Rows& r) { return r.count * r.width; }

// Sum of squares, root and what is added to be above: in double.
double sum_share(const Rows& r) { return 3 * gamma_of(r.width + 16, kDouble); }

void compare_norms(const Device& device, const Rows& r, std::vector<Comparison>& out) {
  double* norms = space<double>(device, r.count);
  launched("row_norms", row_norms(put(device, r.entries), norms, r.count, r.width, device.stream));
  std::vector<double> allowed = r.norms;
  for (double& a : allowed) a *= sum_share(r);
  out.push_back(judge("row_norms", take(device, norms, r.count), r.norms, allowed));
}

// What is capped lies 2^-22 low and is rounded once.
void compare_caps(const Device& device, const Rows& r, std::vector<Comparison>& out) {
  float* y = space<float>(device, size_of(r));
  launched("row_rms_cap",
           row_rms_cap(put(device, r.entries), r.cap, y, r.count, r.width, device.stream));
  const std::vector<double> got = take(device, y, size_of(r));
  std::vector<double> expected(got.size()), allowed(got.size());
  reference::row_rms_cap(r.wide.data(), r.cap, expected.data(), r.count, r.width);
  for (size_t i = 0; i < got.size(); ++i) {
    allowed[i] = (0x1p-22 + 2 * kRound + sum_share(r)) * std::fabs(expected[i]) + kLeast;
  }
  out.push_back(judge("row_rms_cap", got, expected, allowed));
  std::vector<double> norms(sized(r.count));
  reference::row_norms(got.data(), norms.data(), r.count, r.width);
  // The reference's own sum is raised by what it may have lost.
  for (double& n : norms) n *= 1 + sum_share(r) / 3;
  const double limit = r.cap * std::sqrt(static_cast<double>(r.width)) * (1 + 4 * sum_share(r));
  out.push_back(
      judge_limit("row_rms_cap: beyond the cap", norms, std::vector<double>(norms.size(), limit)));
}

void compare_clamp(const Device& device, const Rows& r, std::vector<Comparison>& out) {
  float* y = space<float>(device, size_of(r));
  launched("ball_clamp",
           ball_clamp(put(device, r.entries), r.cap, y, r.count, r.width, device.stream));
  std::vector<double> expected(sized(size_of(r))), allowed(expected.size());
  reference::ball_clamp(r.wide.data(), r.cap, expected.data(), r.count, r.width);
  for (size_t i = 0; i < expected.size(); ++i) {
    allowed[i] = (1.1 * kRound + sum_share(r)) * std::fabs(expected[i]) + kLeast;
  }
  out.push_back(judge("ball_clamp", take(device, y, size_of(r)), expected, allowed));
}

// Rounded once at the end; sums in double of terms up to ||x|| ||g||.
void compare_clamp_backward(const Device& device, const Rows& r, std::vector<Comparison>& out) {
  const std::vector<float> grad(r.entries.rbegin(), r.entries.rend());
  const std::vector<double> wide = widened(grad);
  float* grad_x = space<float>(device, size_of(r));
  launched("ball_clamp_backward",
           ball_clamp_backward(put(device, r.entries), put(device, grad), r.cap, grad_x, r.count,
                               r.width, device.stream));
  std::vector<double> expected(wide.size()), allowed(wide.size());
  reference::ball_clamp_backward(r.wide.data(), wide.data(), r.cap, expected.data(), r.count,
                                 r.width);
  std::vector<double> grad_norms(sized(r.count));
  reference::row_norms(wide.data(), grad_norms.data(), r.count, r.width);
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto row = i / sized(r.width);
    const double unit = r.norms[row] > 0 ? std::fabs(r.wide[i]) / r.norms[row] : 0;
    const double terms = std::fabs(wide[i]) + unit * grad_norms[row];
    allowed[i] = 1.1 * kRound * std::fabs(expected[i]) + 2 * sum_share(r) * terms + kLeast;
  }
  out.push_back(judge("ball_clamp_backward", take(device, grad_x, size_of(r)), expected, allowed));
}

}  // namespace

std::vector<Comparison> compare_rows(const Device& device, const Matrices& w) {
  std::vector<Comparison> out;
  const Rows r = rows_of(w);
  compare_norms(device, r, out);
  compare_caps(device, r, out);
  compare_clamp(device, r, out);
  compare_clamp_backward(device, r, out);
  return out;
}

}  // namespace taut::kernels::cuda
