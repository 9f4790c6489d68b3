#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/loss.hpp"
#include "src/train/trainer.hpp"

namespace taut::train {

void check_rows(const models::Network& network, const data::Dataset& dataset) {
  at::NoGradGuard no_grad;
  const data::Batch one = data::gather(dataset, dataset.validation, at::zeros({1}, at::kLong));
  models::check_input(network.input, one.input);
  const int64_t rows = models::forward(network, one.input.to(models::device_of(network))).size(1);
  require(rows == one.label.size(1),
          "the network predicts {} labels an example, the data set {} has {}: a gpt needs text "
          "without labels, a text model labelled sentences",
          rows, dataset.name, one.label.size(1));
}

Evaluation evaluate(const models::Network& network, const data::Dataset& dataset,
                    const data::Split& split, int64_t examples, int64_t batch,
                    const team::Team& team) {
  at::NoGradGuard no_grad;
  require(batch > 0, "expected a batch > 0, got {}", batch);
  const at::Device device = models::device_of(network);
  const int64_t count = std::min(examples, data::size(dataset, split));
  require(count > 0, "nothing to evaluate: {} examples asked for, {} there", examples,
          data::size(dataset, split));
  double loss = 0;
  int64_t correct = 0, rows = 0;
  for (int64_t from = team.rank * batch; from < count; from += team.size * batch) {
    const at::Tensor indices = at::arange(from, std::min(from + batch, count), at::kLong);
    const data::Batch some = data::gather(dataset, split, indices);
    const at::Tensor logits = models::forward(network, some.input.to(device));
    const at::Tensor label = some.label.to(device);
    loss += cross_entropy(logits, label).item<double>() * static_cast<double>(label.numel());
    correct += count_correct(logits, label);
    rows += some.label.numel();
  }
  const at::Tensor sums =
      at::tensor({loss, static_cast<double>(correct), static_cast<double>(rows)}, at::kDouble);
  team::sum(team, sums);
  const auto* const all = sums.data_ptr<double>();
  return {all[0] / all[2], all[1] / all[2]};
}

}  // namespace taut::train
