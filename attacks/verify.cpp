#include "attacks/verify.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "attacks/ball.hpp"
#include "attacks/loss.hpp"

namespace taut::attacks {

using at::Tensor;

Verdict verify(const Subject& subject, const Rows& rows, const Tensor& adversarial, double slack) {
  const c10::NoGradGuard no_grad;
  const Tensor moved = adversarial.to(at::kDouble);
  const Tensor logits = row_logits(subject.deployed, adversarial, rows.position);
  const Tensor exact = row_logits(subject.exact, moved, rows.position);
  Tensor valid = moved.isfinite().flatten(1).all(1);
  if (const auto& box = subject.threat.box) {
    valid =
        valid.logical_and((moved >= box->low).logical_and(moved <= box->high).flatten(1).all(1));
  }
  Verdict verdict;
  verdict.prediction = logits.argmax(1);
  verdict.margin = margin_of(logits, rows.label);
  verdict.fooled = valid.logical_and(misclassified(logits, rows.label, slack));
  verdict.confirmed = verdict.fooled.logical_and(misclassified(exact, rows.label, slack));
  verdict.size = size_up(subject.threat, moved - models::injection(subject.exact, rows.input));
  return verdict;
}

}  // namespace taut::attacks
