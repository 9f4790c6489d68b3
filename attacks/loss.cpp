#include "attacks/loss.hpp"

#include <ATen/ATen.h>

#include <array>
#include <limits>

#include "src/core/core.hpp"

namespace taut::attacks {
namespace {

using at::Tensor;

struct Named {
  Loss loss;
  const char* name;
};

constexpr std::array kLosses = {Named{Loss::cross_entropy, "cross_entropy"},
                                Named{Loss::margin, "margin"}, Named{Loss::dlr, "dlr"}};

}  // namespace

// The label is masked by -infinity: a mask by 0 would win against negative logits.
Tensor margin_of(const Tensor& logits, const Tensor& label) {
  const Tensor index = label.unsqueeze(1);
  const Tensor rivals = logits.scatter(1, index, -std::numeric_limits<double>::infinity());
  return std::get<0>(rivals.max(1)) - logits.gather(1, index).squeeze(1);
}

Tensor loss_of(Loss loss, const Tensor& logits, const Tensor& label) {
  if (loss == Loss::cross_entropy) {
    return -logits.log_softmax(1).gather(1, label.unsqueeze(1)).squeeze(1);
  }
  const Tensor margin = margin_of(logits, label);
  if (loss == Loss::margin || logits.size(1) < 3) return margin;
  const Tensor top = std::get<0>(logits.topk(3, 1));
  return margin / (top.select(1, 0) - top.select(1, 2) + 1e-12);
}

Tensor misclassified(const Tensor& logits, const Tensor& label, double slack) {
  const Tensor margin = margin_of(logits, label);
  // Written so that a comparison with NaN counts as misclassified.
  if (slack == 0) return (margin < 0).logical_not();
  return (margin <= slack * logits.abs().amax(1)).logical_not();
}

const char* loss_name(Loss loss) {
  for (const Named& named : kLosses) {
    if (named.loss == loss) return named.name;
  }
  fail("a loss without a name");
}

Loss parse_loss(const std::string& name) {
  std::vector<std::string> known;
  for (const Named& named : kLosses) {
    if (name == named.name) return named.loss;
    known.emplace_back(named.name);
  }
  fail("{}", unknown_name("loss", name, known));
}

}  // namespace taut::attacks
