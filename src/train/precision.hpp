#pragma once

#include <string>
#include <vector>

#include "models/network.hpp"

namespace taut::train {

const std::vector<std::string>& precision_names();  // fp32 | bf16

// Logits of models::forward in fp32. With bf16 its products are those of LibTorch's autocast:
// operands rounded to bfloat16, sums in fp32. Gradients of weights are fp32 either way. It is for
// the steps of training alone: what is evaluated, certified and attacked is the fp32 program.
at::Tensor logits_in(const std::string& precision, const models::Network& network,
                     const at::Tensor& input);

}  // namespace taut::train
