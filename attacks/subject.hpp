#pragma once

#include <ATen/core/Tensor.h>

#include "attacks/attack.hpp"

namespace taut::attacks {

// What is attacked: the deployed fp32 program, and the same weights in fp64 to judge it by.
struct Subject {
  models::Network deployed, exact;
  models::Threat threat;
  at::Device device;
  bool causal = false;  // logits at a position depend on no later token
};

// Error when the threat does not fit the network's input.
Subject make_subject(const models::Network& network, const models::Threat& threat);

// Logits (rows, classes) of every row at its own position.
at::Tensor row_logits(const models::Network& network, const at::Tensor& injected,
                      const at::Tensor& position);

// The rows `index` (int64, CPU), on `device`.
Rows select(const Rows& rows, const at::Tensor& index, at::Device device);

}  // namespace taut::attacks
