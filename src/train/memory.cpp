#include "src/train/memory.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <unistd.h>

#include <algorithm>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/loss.hpp"
#include "src/train/meters.hpp"
#include "src/train/precision.hpp"

namespace taut::train {
namespace {

double real(int64_t n) { return static_cast<double>(n); }

bool reads_tokens(const data::Dataset& dataset) {
  return dataset.input.kind == models::InputKind::tokens;
}

// Of one example.
double numbers_of(const data::Dataset& dataset) {
  const models::InputSpec& in = dataset.input;
  return reads_tokens(dataset) ? real(in.context)
                               : real(in.channels) * real(in.height) * real(in.width);
}

// Entries of the matrices, at least.
double weights_of(const TrainOptions& options, const data::Dataset& dataset) {
  const models::Architecture& a = options.model;
  const double width = real(a.width), blocks = real(a.blocks);
  const bool mlp = a.name == "mlp";
  // Query, key, value and output, and the MLP's two, of every block; an mlp has one a layer.
  const double inside =
      mlp ? (blocks - 1) * width * width : blocks * (4 + 2 * real(a.expansion)) * width * width;
  const double outside = mlp                     ? numbers_of(dataset) * width
                         : reads_tokens(dataset) ? real(dataset.input.vocabulary) * width
                                                 : 0;
  return inside + outside + width * real(dataset.classes);
}

constexpr double kGiB = 1 << 30;

double bytes_of_machine() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
}

double kept_by(models::Network network, const data::Dataset& dataset, const TrainOptions& options,
               int64_t examples) {
  const at::AutoGradMode with_gradients(true);
  models::for_each_tensor(network, [](const std::string&, at::Tensor& value, models::Role role) {
    value = value.detach().requires_grad_(models::is_trained(role));
  });
  const data::Batch batch = data::gather(dataset, dataset.train, at::arange(examples, at::kLong));
  const AllocationMeter tensors;
  const at::Tensor logits = logits_in(options.precision, network, batch.input);
  const at::Tensor loss = cross_entropy(logits, batch.label);
  return static_cast<double>(tensors.live());
}

}  // namespace

double least_bytes(const TrainOptions& options, const data::Dataset& dataset) {
  const double rows = reads_tokens(dataset) ? real(dataset.input.context) : 1;
  return 4 * (3 * weights_of(options, dataset) + real(options.batch) * numbers_of(dataset) +
              rows * real(options.model.width) * real(options.model.blocks));
}

void check_memory(const TrainOptions& options, const data::Dataset& dataset) {
  const double least = least_bytes(options, dataset), there = bytes_of_machine();
  require(
      least <= there,
      "this network and batch need at least {} GiB, and this machine has {}: expected a smaller "
      "model.width, model.blocks or batch",
      number(least / kGiB, Round::down, 3), number(there / kGiB, Round::up, 3));
}

double bytes_an_example(const models::Network& network, const data::Dataset& dataset,
                        const TrainOptions& options) {
  return kept_by(network, dataset, options, 2) - kept_by(network, dataset, options, 1);
}

void check_slice_memory(const models::Network& network, const data::Dataset& dataset,
                        const TrainOptions& options, const team::Team& team) {
  const int64_t examples = options.batch / slices_of(options, team);
  if (options.device != "cpu" || examples < 2 || data::size(dataset, dataset.train) < 2) return;
  // When the forward pass has ended there are no gradients yet, but the weights and a moment.
  const double least =
      4 * (2 * weights_of(options, dataset) + real(options.batch) * numbers_of(dataset)) +
      real(examples) * bytes_an_example(network, dataset, options);
  const double there = bytes_of_machine();
  require(least <= there,
          "slices of {} examples need at least {} GiB, and this machine has {}: expected a smaller "
          "batch, or more slices of it",
          examples, number(least / kGiB, Round::down, 3), number(there / kGiB, Round::up, 3));
}

}  // namespace taut::train
