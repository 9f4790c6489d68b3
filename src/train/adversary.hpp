#pragma once

#include <ATen/core/Tensor.h>

#include "src/train/options.hpp"

namespace taut::train {

// The images of a batch moved within the ball of radius `eps` by projected gradient ascent on the
// cross-entropy from a random start: the attack of `taut attack`, so a row stops where it is first
// misclassified. `key` and the number of an image, counted from `first`, decide its draws. Images
// (B, C, H, W) in the network's box, labels (B, 1). [Madry et al. 2018; stopping at success: Zhang
// et al. 2020]
at::Tensor adversarial_images(const models::Network& network, const at::Tensor& images,
                              const at::Tensor& label, const models::Threat& threat, double eps,
                              int64_t steps, uint64_t key, int64_t first = 0);

}  // namespace taut::train
