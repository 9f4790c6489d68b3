#include "kernels/cuda/compare/arrays.hpp"
#include "kernels/cuda/reference/reference.hpp"

#include <algorithm>

namespace taut::kernels::cuda {
namespace {

int64_t size_of(const Matrices& w) { return w.batch * w.rows * w.cols; }

// One step of power iteration by both, and what they may differ by.
struct Step {
  std::vector<float> start;         // v before
  std::vector<double> u, v, sigma;  // of the reference
  std::vector<double> off_u, off_v, off_sigma;
};

// W v is summed in double, so u errs by its own rounding and by gamma_n ||W||_F ||v|| / ||W v||;
// that is stretched by ||W||_F on the way to sigma = ||W^T u||, and v = W^T u / sigma errs by twice
// that over sigma, and its own rounding.
void bound(const Matrices& w, const std::vector<double>& wide, Step& s) {
  for (int64_t matrix = 0; matrix < w.batch; ++matrix) {
    double frobenius = 0, start = 0;
    const double* a = wide.data() + matrix * w.rows * w.cols;
    reference::row_norms(a, &frobenius, 1, w.rows * w.cols);
    std::vector<double> v(s.start.begin() + matrix * w.cols,
                          s.start.begin() + (matrix + 1) * w.cols);
    reference::row_norms(v.data(), &start, 1, w.cols);
    double image = 0;
    for (int64_t i = 0; i < w.rows; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < w.cols; ++j) sum += a[i * w.cols + j] * v[sized(j)];
      image += sum * sum;
    }
    image = std::sqrt(image);
    const double sum_share = 2 * gamma_of(w.rows + w.cols + 16, kDouble);
    const double off_u = image > 0 ? 1.1 * kRound + sum_share * frobenius * start / image : 0;
    const double off_sigma = frobenius * (off_u + sum_share);
    const double sigma = s.sigma[sized(matrix)];
    s.off_u.insert(s.off_u.end(), sized(w.rows), off_u);
    s.off_sigma.push_back(off_sigma);
    s.off_v.insert(s.off_v.end(), sized(w.cols), sigma > 0 ? 2 * off_sigma / sigma + kRound : 0);
  }
}

Step reference_step(const Matrices& w, const std::vector<double>& wide) {
  Step s;
  // A start that is in no matrix's null space by accident of its zeros.
  for (int64_t i = 0; i < w.batch * w.cols; ++i) {
    s.start.push_back(static_cast<float>(1 + 0.5 * std::sin(static_cast<double>(3 * i + 1))));
  }
  s.u.resize(sized(w.batch * w.rows));
  s.v = widened(s.start);
  s.sigma.resize(sized(w.batch));
  reference::power_step(wide.data(), s.v.data(), s.u.data(), s.sigma.data(), nullptr, w.batch,
                        w.rows, w.cols);
  bound(w, wide, s);
  return s;
}

void compare_step(const Device& device, const Matrices& w, const Step& s,
                  std::vector<Comparison>& out) {
  float* u = space<float>(device, w.batch * w.rows);
  float* v = put(device, s.start);
  double* sigma = space<double>(device, w.batch);
  double* work = space<double>(device, w.batch * std::max(w.rows, w.cols));
  launched("power_step", power_step(put(device, w.entries), v, u, sigma, work, w.batch, w.rows,
                                    w.cols, device.stream));
  out.push_back(judge("power_step: u", take(device, u, w.batch * w.rows), s.u, s.off_u));
  out.push_back(judge("power_step: v", take(device, v, w.batch * w.cols), s.v, s.off_v));
  out.push_back(judge("power_step: sigma", take(device, sigma, w.batch), s.sigma, s.off_sigma));
}

// The coefficient in double, the sum rounded once.
void compare_update(const Device& device, const Matrices& w, const std::vector<double>& wide,
                    const Step& s, std::vector<Comparison>& out) {
  const std::vector<float> u(s.u.begin(), s.u.end()), v(s.v.begin(), s.v.end());
  const std::vector<double> wide_u = widened(u), wide_v = widened(v);
  constexpr double offset = 1.25, slope = -1;
  float* y = space<float>(device, size_of(w));
  launched("rank_one_update", rank_one_update(put(device, w.entries), put(device, u),
                                              put(device, v), put(device, s.sigma), offset, slope,
                                              y, w.batch, w.rows, w.cols, device.stream));
  std::vector<double> expected(wide.size()), allowed(wide.size());
  reference::rank_one_update(wide.data(), wide_u.data(), wide_v.data(), s.sigma.data(), offset,
                             slope, expected.data(), w.batch, w.rows, w.cols);
  for (size_t i = 0; i < wide.size(); ++i) {
    allowed[i] = 1.1 * kRound * std::fabs(expected[i]) +
                 8 * kDouble * (std::fabs(wide[i]) + std::fabs(expected[i] - wide[i])) + kLeast;
  }
  out.push_back(judge("rank_one_update", take(device, y, size_of(w)), expected, allowed));
}

void compare_divide(const Device& device, const Matrices& w, const std::vector<double>& wide,
                    const Step& s, std::vector<Comparison>& out) {
  const double limit = s.sigma.empty() ? 1 : 0.9 * s.sigma.front() + kLeast;
  float* y = space<float>(device, size_of(w));
  launched("spectral_divide", spectral_divide(put(device, w.entries), put(device, s.sigma), limit,
                                              y, w.batch, w.rows, w.cols, device.stream));
  std::vector<double> expected(wide.size()), allowed(wide.size());
  reference::spectral_divide(wide.data(), s.sigma.data(), limit, expected.data(), w.batch, w.rows,
                             w.cols);
  for (size_t i = 0; i < wide.size(); ++i) {
    allowed[i] = 1.1 * kRound * std::fabs(expected[i]) + kLeast;
  }
  out.push_back(judge("spectral_divide", take(device, y, size_of(w)), expected, allowed));
}

// Learning rates from none to the limit, and one beyond, whose alpha is no number.
void compare_coupling(const Device& device, const Matrices& w, std::vector<Comparison>& out) {
  const std::vector<double> steps = {0, 1e-9, 1e-4, 0.02, 0.1, 0.25, 0.306, 0.35};
  std::vector<double> w_max, lr, wd, update, expected(steps.size()), allowed(steps.size());
  for (const double step : steps) {
    w_max.push_back(1 + static_cast<double>(w.cols) / 64);
    lr.push_back(step * w_max.back());
    wd.push_back(0.01 * step);
    update.push_back(1);
  }
  const auto count = static_cast<int64_t>(steps.size());
  double* alpha = space<double>(device, count);
  launched("soft_cap_coupling",
           soft_cap_coupling(put(device, w_max), put(device, lr), put(device, wd),
                             put(device, update), alpha, count, device.stream));
  reference::soft_cap_coupling(w_max.data(), lr.data(), wd.data(), update.data(), expected.data(),
                               count);
  // What alpha is raised by, and the growth, whose terms round by 2^-51 of themselves.
  for (size_t i = 0; i < steps.size(); ++i) {
    allowed[i] = steps[i] > 0 ? 0x1p-45 * expected[i] : 0;
  }
  out.push_back(judge("soft_cap_coupling", take(device, alpha, count), expected, allowed));
}

}  // namespace

std::vector<Comparison> compare_spectral(const Device& device, const Matrices& w) {
  std::vector<Comparison> out;
  const std::vector<double> wide = widened(w.entries);
  const Step step = reference_step(w, wide);
  compare_step(device, w, step, out);
  compare_update(device, w, wide, step, out);
  compare_divide(device, w, wide, step, out);
  compare_coupling(device, w, out);
  return out;
}

}  // namespace taut::kernels::cuda
