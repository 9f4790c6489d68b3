#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "models/models.hpp"

namespace taut::train {

// The global constant K as a function of the weights, for losses: an estimate to differentiate,
// never a bound. certify's own rules give its value and, weight by weight, the power with which K
// grows with the norm; from there K follows the norms along these powers. For an MLP K is the
// product of the norms, and this is exact; in a transformer the powers change slowly. The norms,
// too, are followed for a few steps, by quadratic forms.
struct ConstantEstimate {
  struct Term {
    std::string path;
    double power = 0;     // d log K / d log norm
    double log_norm = 0;  // when the powers were taken
    at::Tensor form;      // kernels::gram_form; undefined: take_forms() is due
  };
  double log_constant = 0;  // then, natural logarithm
  std::vector<Term> terms;  // weights that K depends on
  bool settling = false;    // a branch began at zero: its powers grow in the first steps
};

// Error when K is not finite.
ConstantEstimate estimate_constant(const models::Network& network, const models::Threat& threat);

// Error where rivals, ahead by eps K distance, would be so by more than 2^24 logits: in fp32 there
// is nothing left of the logits themselves beside that. `distances`: loss.hpp, head_distances.
void check_margin(const ConstantEstimate& estimate, const at::Tensor& distances, double eps);

// The forms of the norms at the network's weights.
void take_forms(ConstantEstimate& estimate, const models::Network& network);

// K of the network's weights as they are now: a scalar, differentiable in them. Error without
// forms.
at::Tensor estimated_constant(const ConstantEstimate& estimate, const models::Network& network);

// To a checkpoint's numbers and tensors and back, with forms on the device; empty when the
// checkpoint holds none.
void save_estimate(const ConstantEstimate& estimate, std::map<std::string, double>& numbers,
                   std::map<std::string, at::Tensor>& tensors);
ConstantEstimate load_estimate(const std::map<std::string, double>& numbers,
                               const std::map<std::string, at::Tensor>& tensors,
                               at::Device device = at::kCPU);

}  // namespace taut::train
