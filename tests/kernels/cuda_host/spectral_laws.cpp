#include <cmath>
#include <random>
#include <vector>

#include "checks.hpp"
#include "kernels/cuda/launch.hpp"

namespace taut::test {
namespace {

namespace cuda = kernels::cuda;

double coupling_of(double w_max, double lr, double wd, double update) {
  double alpha = 0;
  check(cuda::soft_cap_coupling(&w_max, &lr, &wd, &update, &alpha, 1, nullptr) == nullptr,
        "launch of a coupling");
  return alpha;
}

__extension__ using Quadruple = __float128;

Quadruple soft_cap(Quadruple x, Quadruple alpha) {
  const Quadruple y = x - alpha * x * x * x;
  return y + alpha * y * y * y;
}

// s(x) <= w_max for every x that a step can lead to. Of a small growth the
// kernel stays away by 2^-45 of itself, for which 113 bits are needed.
void caps_hold(std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int trial = 0; trial < 200; ++trial) {
    const double w_max = std::pow(10, 4 * uniform(random) - 2), update = 0.7 + uniform(random);
    // Growths from the whole range, with and without decay; every tenth at the limit itself.
    const double growth = trial % 10 == 0 ? 19.0 / 62 : 19.0 / 62 * std::pow(uniform(random), 4);
    // Some decay nearly all that the update adds, and the growth is what rounding leaves.
    const double against = trial % 10 == 5 ? 1 - 1e-10 * growth : 0.5 * uniform(random);
    const double wd = trial % 2 == 0 ? 0 : against * update / w_max;
    double lr = trial % 10 == 5 ? 0.9 / wd : growth / (update / w_max - wd);
    while (lr * (update / w_max - wd) > 19.0 / 62) lr = std::nextafter(lr, 0);
    const double alpha = coupling_of(w_max, lr, wd, update);
    check(alpha >= 0, "a step within the limit has an alpha");
    const Quadruple k =
        w_max * (1 - static_cast<Quadruple>(lr) * wd) + static_cast<Quadruple>(lr) * update;
    check(soft_cap(k, alpha) <= w_max, "the cap holds at the largest norm");
    check(soft_cap(k, alpha) >= w_max * static_cast<Quadruple>(1 - 0x1p-40),
          "and no more than that");
    for (int i = 1; i < 64; ++i) {
      check(soft_cap(k * i / 64, alpha) <= w_max, "the cap holds below it");
    }
  }
}

void what_has_no_alpha() {
  check(std::isnan(coupling_of(1, 0.3065, 0, 1)), "beyond the limit");
  check(std::isnan(coupling_of(-1, 0.1, 0, 1)), "a negative cap");
  check(std::isnan(coupling_of(1, std::nan(""), 0, 1)), "a rate that is no number");
  check(std::isnan(coupling_of(1, 2, 1, 1)), "decay of more than everything");
  check(std::isnan(coupling_of(1e-300, 1, 0, 1e300)), "infinite growth");
  check(coupling_of(1, 0.1, 1.5, 1) == 0, "a step that shrinks");
  check(coupling_of(1, 0, 0, 1) == 0, "no step");
}

// W = 3 a b^T: one step finds the triple, whatever the start; the hammer then sets its value.
void rank_one_is_found_at_once() {
  const std::vector<float> a = {0.6f, 0, -0.8f}, b = {0.5f, 0.5f, -0.5f, 0.5f};
  std::vector<float> w, v = {1, 0, 0, 0}, u(3), y(12);
  for (const float left : a) {
    for (const float right : b) w.push_back(3 * left * right);
  }
  double sigma = 0;
  std::vector<double> work(4);
  check(cuda::power_step(w.data(), v.data(), u.data(), &sigma, work.data(), 1, 3, 4, nullptr) ==
            nullptr,
        "launch of a step");
  check(std::fabs(sigma - 3) <= 3 * 0x1p-22, "the singular value");
  for (size_t i = 0; i < a.size(); ++i) check(std::fabs(u[i] - a[i]) <= 0x1p-22, "the left vector");
  for (size_t i = 0; i < b.size(); ++i)
    check(std::fabs(v[i] - b[i]) <= 0x1p-22, "the right vector");
  check(cuda::rank_one_update(w.data(), u.data(), v.data(), &sigma, 5, -1, y.data(), 1, 3, 4,
                              nullptr) == nullptr,
        "launch of an update");
  for (size_t i = 0; i < w.size(); ++i) {
    check(std::fabs(y[i] - w[i] / 3 * 5) <= 0x1p-20, "the value is set");
  }
}

void zero_has_no_direction() {
  const std::vector<float> w(6);
  std::vector<float> v = {1, 0, 0}, u(2), y(6);
  double sigma = 1;
  std::vector<double> work(3);
  check(cuda::power_step(w.data(), v.data(), u.data(), &sigma, work.data(), 1, 2, 3, nullptr) ==
            nullptr,
        "launch of a step on zero");
  check(u == std::vector<float>(2) && v == std::vector<float>(3), "nor vectors");
  u = {1, 1}, v = {1, 1, 1};  // whatever they are
  check(cuda::rank_one_update(w.data(), u.data(), v.data(), &sigma, 5, -1, y.data(), 1, 2, 3,
                              nullptr) == nullptr,
        "launch of an update of zero");
  check(sigma == 0 && y == w, "zero stays zero");
}

}  // namespace

void spectral_laws() {
  std::mt19937_64 random(20250718);
  caps_hold(random);
  what_has_no_alpha();
  rank_one_is_found_at_once();
  zero_has_no_direction();
}

}  // namespace taut::test
