#include "src/train/owners.hpp"

#include <algorithm>
#include <numeric>

namespace taut::train {

std::vector<int> divide(const std::vector<double>& costs, int owners) {
  std::vector<size_t> order(costs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return costs[a] > costs[b]; });
  std::vector<double> load(static_cast<size_t>(owners), 0);
  std::vector<int> owner(costs.size(), 0);
  for (const size_t i : order) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += costs[i];
    owner[i] = static_cast<int>(least - load.begin());
  }
  return owner;
}

double step_cost(int64_t entries, c10::IntArrayRef matrix, bool orthogonalized) {
  const auto all = static_cast<double>(entries);
  if (!orthogonalized) return all;
  // A product of a short side counts a fraction of a pass through memory for each of its terms.
  const auto side = static_cast<double>(std::min(matrix[matrix.size() - 2], matrix.back()));
  return all * (1 + side);
}

}  // namespace taut::train
