#pragma once

#include <ATen/core/Generator.h>

#include <string>
#include <vector>

#include "models/network.hpp"

namespace taut::models {

// What a preset says of its network. Widths in entries, radii in RMS.
struct Architecture {
  std::string name = "vit";         // mlp | vit | gpt | text
  std::string style = "lipschitz";  // lipschitz: no norm layers, 1/d_head logits, convex residuals;
                                    // standard: pre-LayerNorm, 1/sqrt(d_head), biases
  int64_t width = 64;               // model width; hidden width of an mlp
  int64_t blocks = 2;               // transformer blocks; hidden layers of an mlp
  int64_t heads = 4;                // divides width
  int64_t patch = 2;                // pixels, divides height and width (vit)
  int64_t expansion = 4;            // mlp block: hidden width / width
  double residual_add = 0.25;       // lipschitz: x <- (1 - a) x + a branch(x), 0 < a < 1
  double logit_scale = 1;           // lipschitz: logits = scale <q, k> / d_head
  double clamp = 1;                 // lipschitz: RMS radius of the ball clamps; 0: none
  std::string activation = "gelu";  // a curve (curves.hpp); lipschitz: scaled to slope <= 1
  double output_scale = 1;          // lipschitz: gain of the head; temperature of the logits
};

// A freshly initialised fp32 network. `classes` is the vocabulary for a gpt, the labels of a
// sequence for a text. Throws Error on widths
// that do not divide and on unknown names.
Network build(const Architecture& architecture, const InputSpec& input, int64_t classes,
              at::Generator generator);

const std::vector<std::string>& architecture_names();

}  // namespace taut::models
