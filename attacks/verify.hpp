#pragma once

#include "attacks/subject.hpp"

namespace taut::attacks {

// The judgement of perturbed rows in passes of its own, apart from the search.
struct Verdict {
  at::Tensor prediction;  // (rows) int64, fp32 argmax
  at::Tensor margin;      // (rows) float: max_{j != y} z_j - z_y of the fp32 program
  at::Tensor fooled;      // (rows) bool: finite, inside the box, misclassified in fp32
  at::Tensor confirmed;   // (rows) bool: in fp64 as well
  at::Tensor size;        // (rows) double: fp64 norm of adversarial - clean, rounded up
};

// rows on the subject's device; adversarial (rows, ...) float as it is stored. `slack` as for
// misclassified().
Verdict verify(const Subject& subject, const Rows& rows, const at::Tensor& adversarial,
               double slack);

}  // namespace taut::attacks
