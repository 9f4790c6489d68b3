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
                                    // standard: a norm before every branch, 1/sqrt(d_head) logits
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
  double rotary = 0;                // gpt: base of the rotary angles; 0: none (standard: learned
                                    // positions)
  bool position_bias = true;        // gpt, lipschitz: a learned logit for every distance
  int64_t token_shift = 0;          // gpt: branches read a learned convex mixture of each token and
                                    // as many before it
  bool zero_outputs = true;         // the last matrix of every branch starts at zero
  double query_key_clamp = 0;       // lipschitz: RMS radius of the clamp on q and k; 0: none
  std::string norm = "layer";       // standard: layer (with biases everywhere) | rms (with none)
  bool query_key_norm = false;      // standard: RMS norm of q and k, logits times sqrt(d_head)
  double logit_cap = 0;             // standard: logits = c tanh(z / c); 0: none
};

// Throws Error on widths that do not divide, unknown names and parts that do not go together.
void check(const Architecture& architecture, const InputSpec& input, int64_t classes);

// A freshly initialised fp32 network. `classes` is the vocabulary for a gpt, the labels of a
// sequence for a text. Throws Error as check does.
Network build(const Architecture& architecture, const InputSpec& input, int64_t classes,
              at::Generator generator);

const std::vector<std::string>& architecture_names();

}  // namespace taut::models
