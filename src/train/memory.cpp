#include "src/train/memory.hpp"

#include <unistd.h>

#include <algorithm>

#include "src/core/core.hpp"

namespace taut::train {

double least_bytes(const TrainOptions& options, const data::Dataset& dataset) {
  const models::Architecture& a = options.model;
  const models::InputSpec& in = dataset.input;
  const auto real = [](int64_t n) { return static_cast<double>(n); };
  const double width = real(a.width), blocks = real(a.blocks);
  const bool tokens = in.kind == models::InputKind::tokens, mlp = a.name == "mlp";
  const double numbers =
      tokens ? real(in.context) : real(in.channels) * real(in.height) * real(in.width);
  // Query, key, value and output, and the MLP's two, of every block; an mlp has one a layer.
  const double inside =
      mlp ? (blocks - 1) * width * width : blocks * (4 + 2 * real(a.expansion)) * width * width;
  const double outside = mlp ? numbers * width : tokens ? real(in.vocabulary) * width : 0;
  const double weights = inside + outside + width * real(dataset.classes);
  const double rows = tokens ? real(in.context) : 1;
  return 4 * (3 * weights + real(options.batch) * numbers + rows * width * blocks);
}

void check_memory(const TrainOptions& options, const data::Dataset& dataset) {
  const double least = least_bytes(options, dataset);
  const double there =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  constexpr double kGiB = 1 << 30;
  require(
      least <= there,
      "this network and batch need at least {} GiB, and this machine has {}: expected a smaller "
      "model.width, model.blocks or batch",
      number(least / kGiB, Round::down, 3), number(there / kGiB, Round::up, 3));
}

}  // namespace taut::train
